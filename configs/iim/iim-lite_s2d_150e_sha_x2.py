# As its parent, on images of twice the size, as in the published recipe: regions of close heads have more cells to be
# separate in. That recipe also enlarges small images to 1024 x 768; here training and testing have the same scale.
_base_ = './iim-lite_s2d_150e_sha.py'
train_pipeline = [
    *_base_.load,
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256), scale_range=(1.4, 2.8)),
    *_base_.vary,
    dict(type='mmcrowd.EncodeTargets', codec=_base_.codec),
    _base_.pack,
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.EnlargeToMinimum', factor=2, min_size=None),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.PackCrowdInputs', drop_outside=False),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
