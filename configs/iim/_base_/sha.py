# ShanghaiTech A for IIM: images of twice the size, 1024 x 768 at least.
_base_ = '../../_base_/datasets/shanghaitech_a.py'

statistics = dict(mean=[104.76, 94.512, 91.719], std=[71.038, 68.659, 69.249])
enlarge = dict(type='mmcrowd.EnlargeToMinimum', factor=2)
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
