# Whole images at the size that the Mask Focal Loss paper trains on; the aspect ratio is not kept. Its augmentation is
# not published: flips and colours here.
detector_augmentation = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='Resize', scale=(1088, 608), keep_ratio=False),
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
    dict(type='Resize', scale=(1088, 608), keep_ratio=False),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.PackCrowdInputs', drop_outside=False),
]
