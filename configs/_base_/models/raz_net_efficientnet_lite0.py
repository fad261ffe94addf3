# A compact RAZ-Net: EfficientNet-Lite0 and a pyramid of 32 channels at stride 2, as crowd_lite, in place of VGG-16;
# a counting branch of one layer, taught by the points, as count_lite; one deconvolution instead of three.
# The weights of count_lite fit trunk and counting branch, but for the name of the latter.
_base_ = ['./lite.py', '../encoders/efficientnet_lite0.py']

density_codec = dict(type='mmcrowd.DensityCodec', stride=2, draws=False)
# Chosen on the validation images of ShanghaiTech A: heads weigh 100 in the loss, so that likely places score high.
cross_codec = dict(type='mmcrowd.CrossCodec', threshold=0.8)
attention_codec = dict(type='mmcrowd.AttentionCodec', stride=8)
targets = [
    dict(type='mmcrowd.EncodeTargets', codec=cross_codec, field='gt_cross'),
    dict(type='mmcrowd.EncodeTargets', codec=attention_codec, field='gt_attention'),
]
model = dict(
    data_preprocessor=_base_.encoder.data_preprocessor,
    backbone=dict(_delete_=True, frozen_stages=1, **_base_.encoder.backbone),
    neck=dict(in_channels=_base_.encoder.channels, out_channels=(32, 64, 64, 64, 64), lateral_norm_cfg=dict(type='BN')),
)
localization = dict(
    type='mmcrowd.RAZLocalizationHead',
    in_channels=32,
    channels=(32,),
    codec=cross_codec,
    field='gt_cross',
    losses=dict(cross=dict(type='mmcrowd.WeightedBCELoss')),
)
attention = dict(
    type='mmcrowd.RAZAttentionHead',
    feat_channels=32,
    codec=attention_codec,
    field='gt_attention',
    losses=dict(attention=dict(type='mmcrowd.MapMSELoss', normalizer='mean')),
)
# Half the receptive field of the localization branch is less than 576 pixels.
prediction = dict(mode='auto', tile=2048, halo=576, max_pixels=2**22)
main_net = dict(
    type='mmcrowd.RAZNet',
    bbox_head=localization,
    attention_head=dict(in_channels=64, **attention),
    density_neck=dict(type='mmcrowd.ConvBackEnd', channels=()),
    density_head=dict(
        type='mmcrowd.DensityHead',
        in_channels=32,
        output='abs',
        codec=density_codec,
        field='gt_density',
        losses=dict(density=dict(type='mmcrowd.BayesianLoss', normalizer='num_heads')),
    ),
    test_cfg=prediction,
)
zoom_net = dict(
    type='mmcrowd.RAZNet',
    bbox_head=localization,
    attention_head=dict(in_channels=32, **attention),
    test_cfg=prediction,
)
