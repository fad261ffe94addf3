# EfficientNet-Lite0 of ImageNet: 2,964,624 parameters, levels of strides 2 to 32, and the input its weights expect.
# A local file instead of the address: --cfg-options model.backbone.init_cfg.checkpoint=PATH
encoder = dict(
    data_preprocessor=dict(mean=[127.0, 127.0, 127.0], std=[128.0, 128.0, 128.0], bgr_to_rgb=True, pad_size_divisor=32),
    backbone=dict(
        type='mmcrowd.EfficientNetLite',
        out_indices=(0, 1, 2, 3, 4),
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-weights/'
            'tf_efficientnet_lite0-0aa007d2.pth',
        ),
    ),
    channels=(16, 24, 40, 112, 320),
)
