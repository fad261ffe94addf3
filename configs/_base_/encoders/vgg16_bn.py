# VGG-16 with batch normalisation, of ImageNet: levels of strides 1 to 16, of which the last three are given.
encoder = dict(
    data_preprocessor=dict(
        mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True, pad_size_divisor=16
    ),
    backbone=dict(
        type='mmcrowd.VGG',
        depth=16,
        out_indices=(2, 3, 4),
        init_cfg=dict(type='Pretrained', checkpoint='https://download.pytorch.org/models/vgg16_bn-6c64b313.pth'),
    ),
    channels=(256, 512, 512),
)
