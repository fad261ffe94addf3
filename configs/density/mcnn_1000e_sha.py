# MCNN on ShanghaiTech A, from scratch.
_base_ = ['../_base_/models/mcnn.py', './_base_/sha.py']
codec = {**_base_.codec, 'stride': 4}
steps = [dict(type='mmcrowd.MeasureSpacing', codec=codec), _base_.crop, _base_.flip]
model = dict(bbox_head=dict(codec=codec))
train_dataloader = dict(
    dataset=dict(pipeline=[*_base_.load, *steps, dict(type='mmcrowd.EncodeTargets', codec=codec), _base_.pack])
)
optim_wrapper = dict(optimizer=dict(lr=1e-4))
