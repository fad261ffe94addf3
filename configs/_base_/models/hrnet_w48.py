# HRNet-W48 with ImageNet weights; its four resolutions concatenated: 720 channels at stride 4. A head comes on top.
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
)
