# FIDTM's published recipe on UCF-QNRF: sides between 512 and 2048 pixels, random 512-pixel crops, 3000 epochs.
_base_ = [
    '../_base_/models/fidt_hrnet_w48.py',
    '../_base_/datasets/ucf_qnrf.py',
    '../_base_/schedules/adam_3000e.py',
    '../_base_/default_runtime.py',
]
train_pipeline = [
    *_base_.load,
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(512, 512)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmcrowd.EncodeTargets', codec=_base_.codec),
    _base_.pack,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
default_hooks = dict(checkpoint=dict(interval=10))
