# IIM: VGG-16 with batch normalisation, a pyramid, and the pixel-level threshold encoder, 20,341,188 parameters.
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
        depth=16,
        init_cfg=dict(type='Pretrained', checkpoint='https://download.pytorch.org/models/vgg16_bn-6c64b313.pth'),
    ),
    neck=dict(type='mmcrowd.ConcatFPN', in_channels=[256, 512, 512]),
    bbox_head=dict(
        type='mmcrowd.InstanceMapHead',
        in_channels=768,
        codec=dict(type='mmcrowd.InstanceMapCodec'),
        threshold_encoder=dict(type='mmcrowd.PixelThresholdEncoder', in_channels=768),
    ),
    # Large images as published: tiles of 512 x 1024 pixels, maps averaged. To hold no map of the image's size:
    # test_cfg=dict(mode='auto', merge='core', tile=1536, halo=256, max_pixels=2**21).
    test_cfg=dict(mode='auto', merge='average', tile=(512, 1024), max_pixels=2**21 - 1),
)
