# A compact FIDT network, 4.2 M parameters, output stride 2.
model = dict(
    type='mmcrowd.CrowdLocalizer',
    data_preprocessor=dict(
        type='mmcrowd.CrowdDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=32,
    ),
    backbone=dict(type='mmcrowd.SpaceToDepthResNet', channels=(32, 64, 128, 192, 256), blocks=(0, 2, 2, 2, 1)),
    neck=dict(type='mmcrowd.TopDownPyramid', in_channels=(32, 64, 128, 192, 256), out_channels=(32, 64, 64, 64, 64)),
    bbox_head=dict(
        type='mmcrowd.FIDTLiteHead',
        in_channels=32,
        codec=dict(type='mmcrowd.FIDTCodec', stride=2),
        losses=dict(
            map=dict(type='mmcrowd.MapMSELoss', normalizer='num_heads'),
            # 30 pixels at stride 2
            ssim=dict(type='mmcrowd.InstanceSSIMLoss', region=15, loss_weight=20.0),
        ),
    ),
    # The receptive field reaches 288 pixels: with this halo, tiles give the points of the whole image.
    test_cfg=dict(mode='auto', tile=2048, halo=288, max_pixels=2**22),
)
