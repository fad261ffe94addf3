# IIM's published recipe on UCF-QNRF, regions from points.
_base_ = [
    '../_base_/models/iim_vgg16.py',
    './_base_/qnrf.py',
    './_base_/points.py',
    '../_base_/schedules/adam_poly_1000e.py',
    '../_base_/default_runtime.py',
]
model = dict(data_preprocessor=_base_.statistics, bbox_head=dict(codec=_base_.codec))
train_dataloader = dict(dataset=dict(pipeline=[*_base_.load, *_base_.crop_and_draw, _base_.pack]))
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'bbox_head.threshold_encoder': dict(lr_mult=0.02)}))
default_hooks = dict(checkpoint=dict(interval=4, save_best='crowd/f1_8px'))
