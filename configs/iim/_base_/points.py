# Regions from points, on any data: the crop knows all heads that a region of it depends on.
codec = dict(type='mmcrowd.InstanceMapCodec', source='point')
crop_and_draw = [
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(1024, 512), scale_range=(0.8, 1.2), context=80),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmcrowd.EncodeTargets', codec=codec),
]
