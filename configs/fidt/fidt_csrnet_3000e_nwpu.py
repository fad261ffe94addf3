# FIDT on CSRNet, NWPU-Crowd, FIDTM's recipe.
_base_ = [
    '../_base_/models/fidt_csrnet.py',
    '../_base_/datasets/nwpu.py',
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
