# FIDTM's published recipe on TRANCOS, vehicles inside a region of interest: random 512-pixel crops, 3000 epochs. Images
# are 640 x 480 pixels, so crops are padded. The figures are GAME(0) to GAME(3).
_base_ = [
    '../_base_/models/fidt_hrnet_w48.py',
    '../_base_/datasets/trancos.py',
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
