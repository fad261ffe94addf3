# JHU-CROWD++: 2272 training, 500 validation and 1600 test images, some without a head.
# Expected: data/jhu/jhu_crowd_v2.0/{train,val,test}/{images,gt,image_labels.txt}
# Images are resized as FIDTM does. Predictions are in original pixels, as the ground truth is.
# A config with another target than FIDT writes: _base_.train_dataloader.dataset.pipeline[5].codec = dict(type=...)
dataset_type = 'mmcrowd.JHUCrowd'
data_root = 'data/jhu/'

resize = dict(type='mmcrowd.ClampSides', max_side=2048, min_side=512, interpolation='bicubic')
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.LoadHeads'),
    resize,
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(512, 512), scale_range=(0.75, 1.33)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmcrowd.EncodeTargets', codec=dict(type='mmcrowd.FIDTCodec')),
    dict(type='mmcrowd.PackCrowdInputs'),
]
meta_keys = ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor', 'flip', 'weather')
test_pipeline = [
    dict(type='LoadImageFromFile'),
    resize,
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.PackCrowdInputs', drop_outside=False, meta_keys=meta_keys),
]

train_dataloader = dict(
    batch_size=16,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='mmcrowd.SeededSampler', shuffle=True),
    dataset=dict(type=dataset_type, data_root=data_root, split='train', outside='clip', pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='val',
        outside='clip',
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split='test',
        outside='clip',
        test_mode=True,
        pipeline=test_pipeline,
    ),
)

val_evaluator = [
    dict(type='mmcrowd.CrowdCountingMetric', group_by=['jhu_category', 'weather']),
    dict(type='mmcrowd.CrowdLocalizationMetric', radii=[4, 8]),
]
test_evaluator = val_evaluator
