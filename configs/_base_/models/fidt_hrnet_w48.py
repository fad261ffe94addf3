# FIDTM's regressor: HRNet-W48, 66,584,049 parameters, full-resolution map.
_base_ = './hrnet_w48.py'

codec = dict(type='mmcrowd.FIDTCodec')
model = dict(
    bbox_head=dict(
        type='mmcrowd.FIDTHead',
        in_channels=720,
        deconv_channels=(64, 1),
        codec=codec,
        losses=dict(
            map=dict(type='mmcrowd.MapMSELoss', normalizer='num_heads'),
            ssim=dict(type='mmcrowd.InstanceSSIMLoss', region=30),
        ),
    ),
    # A halo of 256 pixels covers what matters of the receptive field, not all of it.
    test_cfg=dict(mode='auto', tile=1536, halo=256, max_pixels=2**21),
)
