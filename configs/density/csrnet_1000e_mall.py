# CSRNet on Mall.
_base_ = ['../_base_/models/csrnet.py', './_base_/mall.py']
model = dict(bbox_head=dict(codec=_base_.codec))
train_dataloader = dict(dataset=dict(pipeline=[*_base_.load, *_base_.draw, _base_.pack]))
