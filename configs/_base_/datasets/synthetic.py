# Synthetic crowds, painted while training: nothing to download. Other seeds give other people in other places, so the
# validation and test crowds are unseen. Heads are mostly 6 to 30 pixels high; every tenth picture shows nobody.
# A config with another target than FIDT writes: _base_.train_dataloader.dataset.pipeline[3].codec = dict(type=...)
dataset_type = 'mmcrowd.SyntheticCrowd'
crowd = dict(size=(320, 256), heads=(5, 120), min_head=6, max_head=30, negative_fraction=0.1)

train_pipeline = [
    dict(type='mmcrowd.LoadSynthetic'),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmcrowd.EncodeTargets', codec=dict(type='mmcrowd.FIDTCodec')),
    dict(type='mmcrowd.PackCrowdInputs'),
]
test_pipeline = [
    dict(type='mmcrowd.LoadSynthetic'),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.PackCrowdInputs', drop_outside=False),
]

train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='mmcrowd.SeededSampler', shuffle=True),
    dataset=dict(type=dataset_type, length=800, seed=1, pipeline=train_pipeline, **crowd),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type=dataset_type, length=40, seed=2, test_mode=True, pipeline=test_pipeline, **crowd),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type=dataset_type, length=100, seed=3, test_mode=True, pipeline=test_pipeline, **crowd),
)

val_evaluator = [
    dict(type='mmcrowd.CrowdCountingMetric'),
    dict(type='mmcrowd.CrowdLocalizationMetric', radii=[4, 8]),
]
test_evaluator = val_evaluator
