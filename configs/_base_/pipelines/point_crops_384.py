# Crops of 384 pixels for losses that learn from points: nothing is drawn, heads outside do not matter.
point_crops = [
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(384, 384), scale_range=(0.75, 1.33), context=0),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion', brightness_delta=24, contrast_range=(0.75, 1.25), hue_delta=9),
    dict(type='RandomGrayscale', prob=0.1, keep_channels=True),
]
