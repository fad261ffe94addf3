# NWPU-Crowd for IIM: images at their own size.
_base_ = '../../_base_/datasets/nwpu.py'

statistics = dict(mean=[113.766, 104.426, 100.746], std=[73.492, 70.927, 72.293])
load = [dict(type='LoadImageFromFile'), dict(type='mmcrowd.LoadHeads')]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.PackCrowdInputs', drop_outside=False, meta_keys=_base_.meta_keys),
]
train_dataloader = dict(batch_size=12)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
