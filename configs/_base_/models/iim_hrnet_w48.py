# IIM: HRNet-W48 and the pixel-level threshold encoder, 68,611,636 parameters.
_base_ = './hrnet_w48.py'

model = dict(
    bbox_head=dict(
        type='mmcrowd.InstanceMapHead',
        in_channels=720,
        deconv_channels=(64, 1),
        codec=dict(type='mmcrowd.InstanceMapCodec'),
        threshold_encoder=dict(type='mmcrowd.PixelThresholdEncoder', in_channels=720),
        norm_cfg=dict(type='BN', momentum=0.01),
        layers_init_cfg=dict(type='Normal', layer='Conv2d', std=0.001),
    ),
    # Large images as published: tiles of 512 x 1024 pixels, maps averaged.
    test_cfg=dict(mode='auto', merge='average', tile=(512, 1024), max_pixels=2**21 - 1),
)
