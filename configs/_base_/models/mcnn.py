# MCNN: three columns, 133,705 parameters, density of stride 4, from scratch.
model = dict(
    type='mmcrowd.CrowdLocalizer',
    data_preprocessor=dict(
        type='mmcrowd.CrowdDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=4,
    ),
    backbone=dict(type='mmcrowd.MCNN'),
    bbox_head=dict(
        type='mmcrowd.DensityHead',
        in_channels=30,
        codec=dict(type='mmcrowd.DensityCodec', stride=4),
        losses=dict(map=dict(type='mmcrowd.MapMSELoss', normalizer='batch')),
    ),
    test_cfg=dict(mode='auto', tile=1536, halo=64, max_pixels=2**22),
)
