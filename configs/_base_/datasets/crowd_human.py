# CrowdHuman, head boxes: 15,000 training and 4370 validation images; the annotations of the test images are not public,
# so testing runs on the validation images. The radius of a head comes from its box.
# Expected: data/crowd_human/{annotation_train.odgt,annotation_val.odgt,Images}
# A config with another target than FIDT writes: _base_.train_dataloader.dataset.pipeline[5].codec = dict(type=...)
_base_ = './shanghaitech_a.py'

dataset_type = 'mmcrowd.CrowdHumanHeads'
data_root = 'data/crowd_human/'

resize = dict(type='mmcrowd.ClampSides', max_side=1920)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.LoadHeads'),
    resize,
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(512, 512), scale_range=(0.75, 1.33)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmcrowd.EncodeTargets', codec=dict(type='mmcrowd.FIDTCodec')),
    dict(type='mmcrowd.PackCrowdInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    resize,
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.PackCrowdInputs', drop_outside=False),
]

train_dataloader = dict(
    dataset=dict(_delete_=True, type=dataset_type, data_root=data_root, split='train', pipeline=train_pipeline)
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True, type=dataset_type, data_root=data_root, split='val', test_mode=True, pipeline=test_pipeline
    )
)
test_dataloader = dict(
    dataset=dict(
        _delete_=True, type=dataset_type, data_root=data_root, split='val', test_mode=True, pipeline=test_pipeline
    )
)

val_evaluator = [
    dict(type='mmcrowd.CrowdCountingMetric'),
    dict(type='mmcrowd.CrowdLocalizationMetric', radii=[], sigma='sl'),
]
test_evaluator = val_evaluator
