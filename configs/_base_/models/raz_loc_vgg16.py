# RAZ_loc: the trunk and the localization branch of RAZ-Net as NWPU-Crowd's authors have them, 18,242,370 parameters.
_base_ = '../encoders/vgg16.py'

codec = dict(type='mmcrowd.CrossCodec')
model = dict(
    type='mmcrowd.CrowdLocalizer',
    data_preprocessor=dict(type='mmcrowd.CrowdDataPreprocessor', **_base_.encoder.data_preprocessor),
    backbone=dict(**_base_.encoder.backbone),
    bbox_head=dict(
        type='mmcrowd.RAZLocalizationHead',
        in_channels=512,
        two_class=True,
        final_relu=True,
        codec=codec,
        losses=dict(cross=dict(type='mmcrowd.WeightedBCELoss', normalizer='weights')),
    ),
    # As published: tiles of 576 x 768 pixels, probabilities averaged. To hold no map of the image's size:
    # test_cfg=dict(mode='auto', merge='core', tile=1536, halo=288, max_pixels=2**21).
    test_cfg=dict(mode='tile', merge='average', tile=(576, 768)),
)
model['backbone']['out_indices'] = (3,)
