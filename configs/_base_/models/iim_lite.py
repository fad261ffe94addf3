# The network of fidt_lite with an instance map at stride 2 and pixel-level thresholds, 4.2 M parameters.
_base_ = './lite.py'

codec = dict(type='mmcrowd.InstanceMapCodec', stride=2, source='point')
model = dict(
    bbox_head=dict(
        type='mmcrowd.InstanceMapLiteHead',
        in_channels=32,
        codec=codec,
        # Averages of 15 blocks of 8 pixels would smooth over the whole of a 256-pixel crop.
        threshold_encoder=dict(
            type='mmcrowd.PixelThresholdEncoder', in_channels=32, channels=(64, 32, 16), block=4, pool=7
        ),
    ),
    # The threshold encoder sees 9 blocks of 8 pixels further than the predictor's 288 pixels.
    test_cfg=dict(mode='auto', tile=2048, halo=384, max_pixels=2**22),
)
