# RAZ_loc as NWPU-Crowd's authors train it: longer sides of 2048 pixels, crops of 768 x 576, Adam at a constant rate.
_base_ = [
    '../_base_/models/raz_loc_vgg16.py',
    '../_base_/datasets/nwpu.py',
    '../_base_/default_runtime.py',
]
statistics = dict(mean=[113.766, 104.426, 100.746], std=[73.492, 70.927, 72.293])
model = dict(data_preprocessor=statistics)

resize = dict(type='mmcrowd.ResizeLongerSide')
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.LoadHeads'),
    resize,
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(768, 576)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomGrayscale', prob=0.1, keep_channels=True, channel_weights=(0.114, 0.587, 0.299)),
    dict(type='mmcrowd.EncodeTargets', codec=_base_.codec),
    _base_.pack,
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    resize,
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.PackCrowdInputs', drop_outside=False, meta_keys=_base_.meta_keys),
]
train_dataloader = dict(batch_size=8, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-5, weight_decay=1e-4))
param_scheduler = []
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=2000, val_interval=5, dynamic_intervals=[(30, 1)])
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(checkpoint=dict(save_best='crowd/f1_sigma_l'))
