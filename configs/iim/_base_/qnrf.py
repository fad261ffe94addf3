# UCF-QNRF for IIM: small images enlarged to 1024 x 768, sizes rounded up.
_base_ = '../../_base_/datasets/ucf_qnrf.py'

statistics = dict(mean=[105.449, 96.523, 94.762], std=[72.637, 70.647, 71.785])
enlarge = dict(type='mmcrowd.EnlargeToMinimum', round_up=True)
load = [dict(type='LoadImageFromFile'), dict(type='mmcrowd.LoadHeads'), enlarge]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    enlarge,
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.PackCrowdInputs', drop_outside=False),
]
train_dataloader = dict(batch_size=6)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
