# IIM's published recipe on NWPU-Crowd, regions from points.
_base_ = [
    '../_base_/models/iim_hrnet_w48.py',
    '../_base_/datasets/nwpu.py',
    '../_base_/schedules/adam_poly_600e.py',
    '../_base_/default_runtime.py',
]
codec = dict(type='mmcrowd.InstanceMapCodec', source='point')
model = dict(
    data_preprocessor=dict(mean=[113.766, 104.426, 100.746], std=[73.492, 70.927, 72.293]),
    bbox_head=dict(codec=dict(source='point')),
)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(1024, 512), scale_range=(0.8, 1.2), context=80),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmcrowd.EncodeTargets', codec=codec),
    dict(type='mmcrowd.PackCrowdInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.PackCrowdInputs', drop_outside=False, meta_keys=_base_.meta_keys),
]
train_dataloader = dict(batch_size=12, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
default_hooks = dict(checkpoint=dict(interval=4, save_best='crowd/f1_sigma_l'))
