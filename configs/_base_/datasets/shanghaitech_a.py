# ShanghaiTech part A: 300 training and 182 test images. The data set has no validation split; 30 of its training images
# are kept back for choosing the checkpoint. The published recipe trains on all 300: subset=None in train_dataloader.
# Expected: data/shanghaitech/part_A[_final]/{train_data,test_data}/{images,ground-truth|ground_truth}
# A config with another target than FIDT writes: _base_.train_dataloader.dataset.pipeline[4].codec = dict(type=...)
dataset_type = 'mmcrowd.ShanghaiTech'
data_root = 'data/shanghaitech/'

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256), scale_range=(0.75, 1.33)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmcrowd.EncodeTargets', codec=dict(type='mmcrowd.FIDTCodec')),
    dict(type='mmcrowd.PackCrowdInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.PackCrowdInputs', drop_outside=False),
]

# Workers stay alive between epochs: an epoch of crops takes seconds, and starting workers would take as long. Samples
# do not depend on it, because SeededSampler gives each its own seed.
train_dataloader = dict(
    batch_size=16,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='mmcrowd.SeededSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        part='A',
        split='train',
        subset='train',
        val_split=0.1,
        pipeline=train_pipeline,
    ),
)
# One image at a time: the sizes differ, and padding to the largest would cost more than batching saves.
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        part='A',
        split='train',
        subset='val',
        val_split=0.1,
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
        part='A',
        split='test',
        test_mode=True,
        pipeline=test_pipeline,
    ),
)

val_evaluator = [
    dict(type='mmcrowd.CrowdCountingMetric'),
    dict(type='mmcrowd.CrowdLocalizationMetric', radii=[4, 8]),
]
test_evaluator = val_evaluator
