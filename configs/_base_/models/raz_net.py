# RAZ-Net: Main-Net (VGG-16's first ten convolutions, counting, localization, zooming) and the network that looks again,
# the same without the counting branch. A config trains one stage, see raz/README.md.
_base_ = './density_vgg16.py'

density_codec = dict(type='mmcrowd.DensityCodec', stride=8, beta=0.1, neighbours=4, sigma=15)
cross_codec = dict(type='mmcrowd.CrossCodec', threshold=0.4)
attention_codec = dict(type='mmcrowd.AttentionCodec', stride=8)
targets = [
    dict(type='mmcrowd.EncodeTargets', codec=density_codec, field='gt_density'),
    dict(type='mmcrowd.EncodeTargets', codec=cross_codec, field='gt_cross'),
    dict(type='mmcrowd.EncodeTargets', codec=attention_codec, field='gt_attention'),
]
localization = dict(
    type='mmcrowd.RAZLocalizationHead',
    in_channels=512,
    codec=cross_codec,
    field='gt_cross',
    losses=dict(cross=dict(type='mmcrowd.WeightedBCELoss')),
)
attention = dict(
    type='mmcrowd.RAZAttentionHead',
    codec=attention_codec,
    field='gt_attention',
    losses=dict(attention=dict(type='mmcrowd.MapMSELoss', normalizer='mean')),
)
# Half the receptive field of the localization branch is less than 288 pixels.
prediction = dict(mode='auto', tile=1536, halo=288, max_pixels=2**21)
main_net = dict(
    type='mmcrowd.RAZNet',
    bbox_head=localization,
    attention_head=dict(in_channels=128, **attention),
    density_neck=dict(type='mmcrowd.ConvBackEnd'),
    density_head=dict(
        type='mmcrowd.DensityHead',
        in_channels=64,
        codec=density_codec,
        field='gt_density',
        # The published weight of 8: its mean is over the pixels of the image.
        losses=dict(density=dict(type='mmcrowd.MapRMSELoss', loss_weight=8.0)),
    ),
    test_cfg=prediction,
)
zoom_net = dict(
    type='mmcrowd.RAZNet',
    bbox_head=localization,
    attention_head=dict(in_channels=64, **attention),
    test_cfg=prediction,
)
