# FIDT at stride 2 behind VGG-16 without normalisation, 15 M parameters. The two finest stages stay as they are.
_base_ = ['./fidt_lite.py', '../encoders/vgg16.py']

model = dict(
    data_preprocessor=_base_.encoder.data_preprocessor,
    backbone=dict(_delete_=True, **{**_base_.encoder.backbone, 'out_indices': (1, 2, 3, 4)}, frozen_stages=1),
    neck=dict(
        in_channels=(128, *_base_.encoder.channels), out_channels=(32, 64, 64, 64), lateral_norm_cfg=dict(type='BN')
    ),
)
