# FDST: 60 training and 40 test videos of 150 frames; 6 of the training videos choose the checkpoint. Frames are reduced
# to a longer side of 1024 pixels. The radius of a head comes from its box.
# Expected: data/fdst/FDST/{train_data,test_data}/<video>/<frame>.jpg with <frame>.json
# A config with another target than FIDT writes: _base_.train_dataloader.dataset.pipeline[5].codec = dict(type=...)
_base_ = './shanghaitech_a.py'

dataset_type = 'mmcrowd.FDST'
data_root = 'data/fdst/'

resize = dict(type='mmcrowd.ClampSides', max_side=1024)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.LoadHeads'),
    resize,
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256), scale_range=(0.75, 1.33)),
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
    dataset=dict(
        _delete_=True, type=dataset_type, data_root=data_root, split='train', subset='train', pipeline=train_pipeline
    )
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type=dataset_type,
        data_root=data_root,
        split='train',
        subset='val',
        test_mode=True,
        pipeline=test_pipeline,
    )
)
test_dataloader = dict(
    dataset=dict(
        _delete_=True, type=dataset_type, data_root=data_root, split='test', test_mode=True, pipeline=test_pipeline
    )
)

val_evaluator = [
    dict(type='mmcrowd.CrowdCountingMetric'),
    dict(type='mmcrowd.CrowdLocalizationMetric', radii=[], sigma='sl'),
]
test_evaluator = val_evaluator
