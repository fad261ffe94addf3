# IIM's published recipe on NWPU-Crowd, regions from points.
_base_ = [
    '../_base_/models/iim_hrnet_w48.py',
    './_base_/nwpu.py',
    './_base_/points.py',
    '../_base_/schedules/adam_poly_600e.py',
    '../_base_/default_runtime.py',
]
model = dict(data_preprocessor=_base_.statistics, bbox_head=dict(codec=_base_.codec))
train_dataloader = dict(dataset=dict(pipeline=[*_base_.load, *_base_.crop_and_draw, _base_.pack]))
default_hooks = dict(checkpoint=dict(interval=4, save_best='crowd/f1_sigma_l'))
