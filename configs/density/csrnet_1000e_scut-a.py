# CSRNet on SCUT-HEAD part A.
_base_ = ['../_base_/models/csrnet.py', './_base_/scut-a.py']
model = dict(bbox_head=dict(codec=_base_.codec))
train_dataloader = dict(dataset=dict(pipeline=[*_base_.load, *_base_.draw, _base_.pack]))
