# CSRNet on ShanghaiTech B.
_base_ = ['../_base_/models/csrnet.py', './_base_/shb.py']
model = dict(bbox_head=dict(codec=_base_.codec))
train_dataloader = dict(dataset=dict(pipeline=[*_base_.load, *_base_.draw, _base_.pack]))
