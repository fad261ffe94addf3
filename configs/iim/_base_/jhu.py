# JHU-CROWD++ for IIM: small images enlarged to 1024 x 768.
_base_ = '../../_base_/datasets/jhu.py'

statistics = dict(mean=[109.569, 111.462, 107.605], std=[60.065, 59.305, 60.077])
enlarge = dict(type='mmcrowd.EnlargeToMinimum')
load = [dict(type='LoadImageFromFile'), dict(type='mmcrowd.LoadHeads'), enlarge]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    enlarge,
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.PackCrowdInputs', drop_outside=False, meta_keys=_base_.meta_keys),
]
train_dataloader = dict(batch_size=6)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
