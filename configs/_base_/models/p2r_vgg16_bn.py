# P2R: VGG-16 with batch normalisation, strides 8 and 16 joined, logits at stride 4.
_base_ = '../encoders/vgg16_bn.py'

codec = dict(type='mmcrowd.P2RCodec', stride=4)
model = dict(
    type='mmcrowd.CrowdLocalizer',
    data_preprocessor=dict(type='mmcrowd.CrowdDataPreprocessor', **_base_.encoder.data_preprocessor),
    backbone=_base_.encoder.backbone,
    neck=dict(
        type='mmcrowd.TopDownPyramid',
        in_channels=_base_.encoder.channels[1:],
        out_channels=(256, 256),
        start_level=1,
        mode='bilinear',
        norm_cfg=None,
    ),
    bbox_head=dict(
        type='mmcrowd.P2RHead', in_channels=256, upscale=2, codec=codec, losses=dict(p2r=dict(type='mmcrowd.P2RLoss'))
    ),
    test_cfg=dict(mode='auto', tile=2048, halo=288, max_pixels=2**22),
)
