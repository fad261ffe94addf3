# CenterNet for heads: DLA-34, output stride 4, the targets of the Mask Focal Loss paper. No cap on the number of heads.
codec = dict(type='mmcrowd.HeadHeatmapCodec', score_thr=0.05)
model = dict(
    type='mmcrowd.CrowdLocalizer',
    data_preprocessor=dict(
        type='mmcrowd.CrowdDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=32,
    ),
    backbone=dict(type='mmcrowd.DLA'),
    neck=dict(type='mmcrowd.DLAUp'),
    bbox_head=dict(
        type='mmcrowd.CrowdCenterNetHead',
        codec=codec,
        in_channels=64,
        feat_channels=256,
        # L_h, the focal loss of CenterNet
        loss_heat=dict(
            type='mmcrowd.MaskFocalLoss',
            use_sigmoid=True,
            gamma=2.0,
            beta=0.0,
            poly=0.0,
            mask='peak',
            negative_beta=4.0,
        ),
        loss_size=dict(type='L1Loss', loss_weight=0.1),
        loss_offset=dict(type='L1Loss', loss_weight=1.0),
    ),
    test_cfg=dict(mode='auto', tile=2048, halo=480, max_pixels=2**22),
)
