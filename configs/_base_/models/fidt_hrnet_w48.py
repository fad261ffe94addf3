# FIDTM's regressor: HRNet-W48, 66,584,049 parameters, full-resolution map.
model = dict(
    type='mmcrowd.CrowdLocalizer',
    data_preprocessor=dict(
        type='mmcrowd.CrowdDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=32,
    ),
    backbone=dict(
        type='mmcrowd.CrowdHRNet',
        upsample='bilinear',
        norm_cfg=dict(type='BN', momentum=0.01),
        extra=dict(
            stage1=dict(num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(4,), num_channels=(64,)),
            stage2=dict(num_modules=1, num_branches=2, block='BASIC', num_blocks=(4, 4), num_channels=(48, 96)),
            stage3=dict(num_modules=4, num_branches=3, block='BASIC', num_blocks=(4, 4, 4), num_channels=(48, 96, 192)),
            stage4=dict(
                num_modules=3, num_branches=4, block='BASIC', num_blocks=(4, 4, 4, 4), num_channels=(48, 96, 192, 384)
            ),
        ),
        init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://msra/hrnetv2_w48'),
    ),
    neck=dict(type='mmcrowd.ConcatPyramid', mode='bilinear'),
    bbox_head=dict(
        type='mmcrowd.FIDTHead',
        in_channels=720,
        deconv_channels=(64, 1),
        codec=dict(type='mmcrowd.FIDTCodec'),
        losses=dict(
            map=dict(type='mmcrowd.MapMSELoss', normalizer='num_heads'),
            ssim=dict(type='mmcrowd.InstanceSSIMLoss', region=30),
        ),
    ),
    # A halo of 256 pixels covers what matters of the receptive field, not all of it.
    test_cfg=dict(mode='auto', tile=1536, halo=256, max_pixels=2**21),
)
