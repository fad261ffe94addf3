# Random crops of 320 pixels, for training on a small machine. Test images keep their size.
crop = dict(type='mmcrowd.RandomScaleCrop', crop_size=(320, 320), scale_range=(0.75, 1.33), context=0)

box_train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.LoadHeads'),
    crop,
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='mmcrowd.ConvertHeadsToBoxes'),
    dict(type='mmcrowd.PackCrowdInputs'),
]
heatmap_train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.LoadHeads'),
    crop,
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmcrowd.EncodeTargets', codec=dict(type='mmcrowd.HeadHeatmapCodec')),
    dict(type='PhotoMetricDistortion'),
    dict(type='mmcrowd.PackCrowdInputs'),
]
