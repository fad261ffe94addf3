# FIDT at stride 2 behind EfficientNet-Lite0, 3.1 M parameters. The stem and the two finest levels stay as they are.
_base_ = ['./fidt_lite.py', '../encoders/efficientnet_lite0.py']

model = dict(
    data_preprocessor=_base_.encoder.data_preprocessor,
    backbone=dict(_delete_=True, frozen_stages=1, **_base_.encoder.backbone),
    neck=dict(in_channels=_base_.encoder.channels, out_channels=(32, 64, 64, 64, 64), lateral_norm_cfg=dict(type='BN')),
    # The receptive field reaches 487 pixels: with this halo, tiles give the points of the whole image.
    test_cfg=dict(tile=2304, halo=512),
)
