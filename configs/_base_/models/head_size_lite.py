# A compact head-scale network, 4.1 M parameters: log width and height of the head at a known point.
model = dict(
    type='mmcrowd.HeadSizeEstimator',
    data_preprocessor=dict(
        type='mmcrowd.CrowdDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=32,
    ),
    backbone=dict(type='mmcrowd.SpaceToDepthResNet', channels=(32, 64, 128, 192, 256), blocks=(0, 1, 2, 2, 1)),
    neck=dict(type='mmcrowd.TopDownPyramid', in_channels=(128, 192, 256), out_channels=(64, 64, 64), start_level=2),
    bbox_head=dict(type='mmcrowd.HeadSizeHead', in_channels=64, feat_channels=64, stride=8),
    test_cfg=dict(mode='auto', tile=2048, halo=288, max_pixels=2**22),
)
