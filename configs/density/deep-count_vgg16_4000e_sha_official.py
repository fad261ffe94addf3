# DeepCount as its released code does: images resized to a grid of tiles, sigma 10 in a kernel of 49 pixels, whose mass
# beyond the image is lost; a tenth of the crops is gray.
_base_ = './deep-count_vgg16_4000e_sha.py'
codec = dict(sigma=10, truncate=2.4, border='lose', count_padding=False)
model = dict(bbox_head=dict(codec=codec))
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.ResizeToGrid'),
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(512, 384)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmcrowd.EncodeTargets', codec={**_base_.codec, **codec}),
    dict(type='RandomGrayscale', prob=0.1, keep_channels=True),
    _base_.pack,
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.ResizeToGrid'),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.PackCrowdInputs', drop_outside=False),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
