# P2R behind VGG-16 without normalisation, logits at stride 4. The two finest stages stay as they are; laterals and the
# head are normalised.
_base_ = ['./p2r_vgg16_bn.py', '../encoders/vgg16.py']

model = dict(
    data_preprocessor=_base_.encoder.data_preprocessor,
    backbone=dict(_delete_=True, **_base_.encoder.backbone, frozen_stages=1),
    neck=dict(norm_cfg=dict(type='BN'), lateral_norm_cfg=dict(type='BN')),
    bbox_head=dict(norm_cfg=dict(type='BN')),
)
