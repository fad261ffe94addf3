# CSRNet with a pyramid over conv3 and the dilated back end, density of stride 4. The layers are not published.
_base_ = ['../_base_/models/csrnet.py', './_base_/sha.py']
codec = {**_base_.codec, 'stride': 4}
model = dict(
    backbone=dict(out_indices=(2, 3)),
    neck=[
        dict(type='mmcrowd.ConvBackEnd'),
        dict(type='mmcrowd.ConcatFPN', in_channels=[256, 64]),
        dict(type='mmcrowd.ConvBackEnd', in_channels=512, channels=(128, 64), dilation=1, init_cfg=None),
    ],
    bbox_head=dict(codec=codec),
)
steps = [dict(type='mmcrowd.MeasureSpacing', codec=codec), _base_.crop, _base_.flip]
train_dataloader = dict(
    dataset=dict(pipeline=[*_base_.load, *steps, dict(type='mmcrowd.EncodeTargets', codec=codec), _base_.pack])
)
