# IIM's published recipe on FDST, regions from points.
_base_ = [
    '../_base_/models/iim_vgg16.py',
    '../_base_/datasets/fdst.py',
    '../_base_/schedules/adam_poly_600e.py',
    '../_base_/default_runtime.py',
]
codec = dict(type='mmcrowd.InstanceMapCodec', source='point')
model = dict(
    data_preprocessor=dict(mean=[115.264, 114.049, 110.155], std=[59.267, 57.356, 56.569]),
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
    dict(type='mmcrowd.PackCrowdInputs', drop_outside=False),
]
# The released code draws 1000 frames with replacement per epoch; here an epoch is all frames once.
train_dataloader = dict(batch_size=6, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
max_epochs = 1000
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0, end=max_epochs, convert_to_iter_based=True)]
train_cfg = dict(max_epochs=max_epochs)
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={'bbox_head.threshold_encoder': dict(lr_mult=0.02, decay_mult=0.0)}),
)
default_hooks = dict(checkpoint=dict(interval=4, save_best='crowd/f1_sigma_l'))
