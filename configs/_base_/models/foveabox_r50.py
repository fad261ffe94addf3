# FoveaBox for heads: mmdet's, with room for crowds.
_base_ = './resnet50_fpn.py'

model = dict(
    type='FOVEA',
    neck=dict(
        start_level=1,
        add_extra_convs='on_input',
    ),
    bbox_head=dict(
        type='mmcrowd.CrowdFoveaHead',
        num_classes=1,
        in_channels=256,
        stacked_convs=4,
        feat_channels=256,
        strides=[8, 16, 32, 64, 128],
        base_edge_list=[16, 32, 64, 128, 256],
        scale_ranges=((1, 64), (32, 128), (64, 256), (128, 512), (256, 2048)),
        sigma=0.4,
        with_deform=False,
        loss_cls=dict(type='FocalLoss', use_sigmoid=True, gamma=1.5, alpha=0.4),
        loss_bbox=dict(type='SmoothL1Loss', beta=0.11),
    ),
    train_cfg=dict(),
    test_cfg=dict(nms_pre=20000, score_thr=0.05, nms=dict(type='nms', iou_threshold=0.5), max_per_img=20000),
)
