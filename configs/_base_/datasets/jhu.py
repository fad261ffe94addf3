# JHU-CROWD++: 2272 training, 500 validation and 1600 test images, some without a head.
# Expected: data/jhu/jhu_crowd_v2.0/{train,val,test}/{images,gt,image_labels.txt}
# Images are resized as FIDTM does. Predictions are in original pixels, as the ground truth is.
_base_ = '../loaders/points.py'

data = dict(type='mmcrowd.JHUCrowd', data_root='data/jhu/', outside='clip')
resize = dict(type='mmcrowd.ClampSides', max_side=2048, min_side=512, interpolation='bicubic')
load = [*_base_.load, resize]
augment = [
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(512, 512), scale_range=(0.75, 1.33)),
    dict(type='RandomFlip', prob=0.5),
]
meta_keys = ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor', 'flip', 'weather')
test_pipeline = [
    dict(type='LoadImageFromFile'),
    resize,
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.PackCrowdInputs', drop_outside=False, meta_keys=meta_keys),
]

train_dataloader = dict(dataset=dict(**data, split='train', pipeline=[*load, *augment, _base_.pack]))
val_dataloader = dict(dataset=dict(**data, split='val', pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(**data, split='test', pipeline=test_pipeline))

val_evaluator = [
    dict(type='mmcrowd.CrowdCountingMetric', group_by=['jhu_category', 'weather']),
    dict(type='mmcrowd.CrowdLocalizationMetric', radii=[4, 8]),
]
test_evaluator = val_evaluator
