# Images at about half their size, for a small machine: random crops of 256 pixels in training, whole images in testing.
detector_augmentation = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256), scale_range=(0.4, 0.65), context=0),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
]
detector_train_pipeline = [
    *detector_augmentation,
    dict(type='mmcrowd.ConvertHeadsToBoxes'),
    dict(type='mmcrowd.PackCrowdInputs'),
]
detector_test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale_factor=0.5, keep_ratio=True),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.PackCrowdInputs', drop_outside=False),
]
