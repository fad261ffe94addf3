# FIDTM's published recipe on ShanghaiTech A: random 256-pixel crops, flips, batch 16, Adam 1e-4, 3000 epochs.
_base_ = [
    '../_base_/models/fidt_hrnet_w48.py',
    '../_base_/datasets/shanghaitech_a.py',
    '../_base_/schedules/adam_3000e.py',
    '../_base_/default_runtime.py',
]
train_pipeline = [
    *_base_.load,
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmcrowd.EncodeTargets', codec=_base_.codec),
    _base_.pack,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
default_hooks = dict(checkpoint=dict(interval=10))
