# FIDT at its smallest on rendered crowds: two epochs of four steps, seconds on one core.
_base_ = ['../../configs/_base_/models/fidt_lite.py', '../../configs/_base_/default_runtime.py']

model = dict(
    backbone=dict(channels=(4, 8, 8, 8, 8), blocks=(0, 1, 1, 1, 1)),
    neck=dict(in_channels=(4, 8, 8, 8, 8), out_channels=(4, 8, 8, 8, 8)),
    bbox_head=dict(in_channels=4),
)
crowd = dict(type='mmcrowd.SyntheticCrowd', size=(96, 64), heads=(0, 20), negative_fraction=0.25)
train_pipeline = [
    dict(type='mmcrowd.LoadSynthetic'),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmcrowd.EncodeTargets', codec=_base_.codec),
    dict(type='mmcrowd.PackCrowdInputs'),
]
test_pipeline = [
    dict(type='mmcrowd.LoadSynthetic'),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.PackCrowdInputs'),
]
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type='mmcrowd.SeededSampler', shuffle=True),
    dataset=dict(length=8, seed=1, pipeline=train_pipeline, **crowd),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(length=4, seed=2, test_mode=True, pipeline=test_pipeline, **crowd),
)
test_dataloader = val_dataloader
val_evaluator = [dict(type='mmcrowd.CrowdCountingMetric'), dict(type='mmcrowd.CrowdLocalizationMetric', radii=(4, 8))]
test_evaluator = val_evaluator

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=0.001))
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=2, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
