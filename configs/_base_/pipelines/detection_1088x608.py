# Whole images at the size that the Mask Focal Loss paper trains on; the aspect ratio is not kept. Its augmentation is
# not published: flips and colours here.
image_size = (1088, 608)

box_train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='Resize', scale=image_size, keep_ratio=False),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='mmcrowd.ConvertHeadsToBoxes'),
    dict(type='mmcrowd.PackCrowdInputs'),
]
heatmap_train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='Resize', scale=image_size, keep_ratio=False),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmcrowd.EncodeTargets', codec=dict(type='mmcrowd.HeadHeatmapCodec')),
    dict(type='PhotoMetricDistortion'),
    dict(type='mmcrowd.PackCrowdInputs'),
]
resized_test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=image_size, keep_ratio=False),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.PackCrowdInputs', drop_outside=False),
]
