# IIM's published recipe on ShanghaiTech A, regions from points.
_base_ = [
    '../_base_/models/iim_hrnet_w48.py',
    '../_base_/datasets/shanghaitech_a.py',
    '../_base_/schedules/adam_poly_600e.py',
    '../_base_/default_runtime.py',
]
codec = dict(type='mmcrowd.InstanceMapCodec', source='point')
model = dict(
    data_preprocessor=dict(mean=[104.76, 94.512, 91.719], std=[71.038, 68.659, 69.249]),
    bbox_head=dict(codec=dict(source='point')),
)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.EnlargeToMinimum', factor=2),
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(1024, 512), scale_range=(0.8, 1.2), context=80),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmcrowd.EncodeTargets', codec=codec),
    dict(type='mmcrowd.PackCrowdInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.EnlargeToMinimum', factor=2),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.PackCrowdInputs', drop_outside=False),
]
train_dataloader = dict(batch_size=6, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
max_epochs = 2000
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0, end=max_epochs, convert_to_iter_based=True)]
train_cfg = dict(max_epochs=max_epochs)
default_hooks = dict(checkpoint=dict(interval=4, save_best='crowd/f1_8px'))
