_base_ = ['../../configs/_base_/default_runtime.py']
custom_imports = dict(imports=['mmcrowd', 'tests.engine.tiny_task'], allow_failed_imports=False)

model = dict(type='mmcrowd.TinyModel')
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type='mmcrowd.SeededSampler', shuffle=True),
    dataset=dict(type='mmcrowd.TinyDataset'),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='mmcrowd.TinyDataset', length=3),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmcrowd.TinyMetric')
test_evaluator = val_evaluator

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=0.01))
param_scheduler = [dict(type='CosineAnnealingLR', T_max=3, by_epoch=True, convert_to_iter_based=True)]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=3, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
visualizer = dict(_delete_=True, type='Visualizer', vis_backends=[dict(type='LocalVisBackend')])
