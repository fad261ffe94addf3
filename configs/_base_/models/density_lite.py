# The network of fidt_lite from stride 4 on, with a density: for CPUs.
_base_ = './lite.py'

codec = dict(type='mmcrowd.DensityCodec', stride=4, sigma=4)
model = dict(
    neck=[
        dict(
            type='mmcrowd.TopDownPyramid',
            in_channels=(64, 128, 192, 256),
            out_channels=(64, 64, 64, 64),
            start_level=1,
        ),
        dict(type='mmcrowd.ConvBackEnd', in_channels=64, channels=(64,), dilation=1, norm_cfg=dict(type='BN')),
    ],
    bbox_head=dict(
        type='mmcrowd.DensityHead',
        in_channels=64,
        codec=codec,
        # A head's squared density is about a hundredth of a FIDT peak's.
        losses=dict(map=dict(type='mmcrowd.MapMSELoss', normalizer='num_heads', loss_weight=100.0)),
    ),
    test_cfg=dict(mode='auto', tile=2048, halo=288, max_pixels=2**22),
)
