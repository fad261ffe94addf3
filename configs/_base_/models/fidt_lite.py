# A compact FIDT network, 4.2 M parameters, output stride 2.
_base_ = './lite.py'

codec = dict(type='mmcrowd.FIDTCodec', stride=2)
model = dict(
    bbox_head=dict(
        type='mmcrowd.FIDTLiteHead',
        in_channels=32,
        codec=codec,
        losses=dict(
            map=dict(type='mmcrowd.MapMSELoss', normalizer='num_heads'),
            # 30 pixels at stride 2
            ssim=dict(type='mmcrowd.InstanceSSIMLoss', region=15, loss_weight=20.0),
        ),
    ),
    # The receptive field reaches 288 pixels: with this halo, tiles give the points of the whole image.
    test_cfg=dict(mode='auto', tile=2048, halo=288, max_pixels=2**22),
)
