# FDST for IIM: images at their own size.
_base_ = '../../_base_/datasets/fdst.py'

statistics = dict(mean=[115.264, 114.049, 110.155], std=[59.267, 57.356, 56.569])
load = [dict(type='LoadImageFromFile'), dict(type='mmcrowd.LoadHeads')]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.PackCrowdInputs', drop_outside=False),
]
# The released code draws 1000 frames with replacement per epoch; here an epoch is all frames once.
train_dataloader = dict(batch_size=6)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
