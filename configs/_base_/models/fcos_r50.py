# FCOS for heads: mmdet's, with room for crowds.
_base_ = './resnet50_fpn.py'

model = dict(
    type='FCOS',
    neck=dict(
        start_level=1,
        add_extra_convs='on_output',
        relu_before_extra_convs=True,
    ),
    bbox_head=dict(
        type='mmcrowd.CrowdFCOSHead',
        num_classes=1,
        in_channels=256,
        stacked_convs=4,
        feat_channels=256,
        strides=[8, 16, 32, 64, 128],
        norm_on_bbox=True,
        centerness_on_reg=True,
        center_sampling=True,
        conv_bias=True,
        loss_cls=dict(type='FocalLoss', use_sigmoid=True, gamma=2.0, alpha=0.25),
        loss_bbox=dict(type='GIoULoss'),
        loss_centerness=dict(type='CrossEntropyLoss', use_sigmoid=True),
    ),
    test_cfg=dict(
        nms_pre=20000, min_bbox_size=0, score_thr=0.05, nms=dict(type='nms', iou_threshold=0.6), max_per_img=20000
    ),
)
