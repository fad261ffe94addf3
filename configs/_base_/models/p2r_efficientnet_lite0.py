# The network of fidt_efficientnet_lite0 with P2R's logits at stride 2, 3.1 M parameters.
_base_ = './fidt_efficientnet_lite0.py'

codec = dict(type='mmcrowd.P2RCodec', stride=2)
model = dict(
    bbox_head=dict(
        _delete_=True,
        type='mmcrowd.P2RHead',
        in_channels=32,
        feat_channels=32,
        num_convs=1,
        upscale=1,
        norm_cfg=dict(type='BN'),
        codec=codec,
        losses=dict(p2r=dict(type='mmcrowd.P2RLoss')),
    ),
)
