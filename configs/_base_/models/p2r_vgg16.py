# P2R behind VGG-16 without normalisation, logits at stride 4. The two finest stages stay as they are; laterals and the
# head are normalised.
_base_ = './p2r_vgg16_bn.py'

model = dict(
    backbone=dict(
        norm_cfg=None,
        frozen_stages=1,
        init_cfg=dict(checkpoint='https://download.pytorch.org/models/vgg16-397923af.pth'),
    ),
    neck=dict(norm_cfg=dict(_delete_=True, type='BN'), lateral_norm_cfg=dict(type='BN')),
    bbox_head=dict(norm_cfg=dict(type='BN')),
)
