# The compact network of fidt_lite and iim_lite without its head: 32 channels at stride 2.
model = dict(
    type='mmcrowd.CrowdLocalizer',
    data_preprocessor=dict(
        type='mmcrowd.CrowdDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=32,
    ),
    backbone=dict(type='mmcrowd.SpaceToDepthResNet', channels=(32, 64, 128, 192, 256), blocks=(0, 2, 2, 2, 1)),
    neck=dict(type='mmcrowd.TopDownPyramid', in_channels=(32, 64, 128, 192, 256), out_channels=(32, 64, 64, 64, 64)),
)
