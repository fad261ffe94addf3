# CANNet on UCF-QNRF.
_base_ = ['../_base_/models/cannet.py', './_base_/qnrf.py']
model = dict(bbox_head=dict(codec=_base_.codec))
train_dataloader = dict(dataset=dict(pipeline=[*_base_.load, *_base_.draw, _base_.pack]))
