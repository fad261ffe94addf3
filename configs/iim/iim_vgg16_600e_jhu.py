# IIM's published recipe on JHU-CROWD++, regions from boxes.
_base_ = [
    '../_base_/models/iim_vgg16.py',
    '../_base_/datasets/jhu.py',
    '../_base_/schedules/adam_poly_600e.py',
    '../_base_/default_runtime.py',
]
codec = dict(type='mmcrowd.InstanceMapCodec', source='box', cap=15)
model = dict(
    data_preprocessor=dict(mean=[109.569, 111.462, 107.605], std=[60.065, 59.305, 60.077]),
    bbox_head=dict(codec=dict(source='box', cap=15)),
)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.EnlargeToMinimum'),
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(1024, 512), scale_range=(0.8, 1.2), context=192),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmcrowd.EncodeTargets', codec=codec, pseudo_size=6),
    dict(type='mmcrowd.PackCrowdInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.EnlargeToMinimum'),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.PackCrowdInputs', drop_outside=False, meta_keys=_base_.meta_keys),
]
train_dataloader = dict(batch_size=6, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={'bbox_head.threshold_encoder': dict(lr_mult=0.02, decay_mult=0.0)}),
)
default_hooks = dict(checkpoint=dict(interval=4, save_best='crowd/f1_8px'))
