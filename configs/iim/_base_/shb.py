# ShanghaiTech B for IIM: images of twice the size.
_base_ = '../../_base_/datasets/shanghaitech_b.py'

statistics = dict(mean=[115.264, 114.049, 110.155], std=[59.267, 57.356, 56.569])
enlarge = dict(type='mmcrowd.EnlargeToMinimum', factor=2, min_size=None)
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
