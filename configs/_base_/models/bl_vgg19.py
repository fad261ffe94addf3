# The network of the Bayesian loss: VGG-19 without its last pool, 21,499,457 parameters, absolute density of stride 8.
# It is taught by the points; no map is drawn.
model = dict(
    type='mmcrowd.CrowdLocalizer',
    data_preprocessor=dict(
        type='mmcrowd.CrowdDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=16,
    ),
    backbone=dict(
        type='mmcrowd.VGG',
        depth=19,
        out_indices=(4,),
        norm_cfg=None,
        init_cfg=dict(type='Pretrained', checkpoint='https://download.pytorch.org/models/vgg19-dcbb9e9d.pth'),
    ),
    neck=dict(type='mmcrowd.ConvBackEnd', channels=(256, 128), dilation=1, upsample=2, init_cfg=None),
    bbox_head=dict(
        type='mmcrowd.DensityHead',
        in_channels=128,
        output='abs',
        init_cfg=None,
        codec=dict(type='mmcrowd.DensityCodec', draws=False),
        losses=dict(bayesian=dict(type='mmcrowd.BayesianLoss')),
    ),
    test_cfg=dict(mode='auto', tile=1536, halo=160, max_pixels=2**21),
)
