# A small Faster R-CNN on SCUT-HEAD part A, from random weights on one CPU core.
_base_ = [
    '../_base_/models/faster-rcnn_r50.py',
    '../_base_/datasets/scut_head_a_crops.py',
    '../_base_/schedules/adamw_cosine_8e.py',
]
model = dict(
    backbone=dict(depth=18, base_channels=32),
    neck=dict(in_channels=[32, 64, 128, 256], out_channels=64, num_outs=4),
    rpn_head=dict(in_channels=64, feat_channels=64, anchor_generator=dict(strides=[4, 8, 16, 32])),
    roi_head=dict(bbox_roi_extractor=dict(out_channels=64), bbox_head=dict(in_channels=64, fc_out_channels=256)),
    # A crop holds few heads: 512 regions a step instead of 8,192.
    train_cfg=dict(
        rpn=dict(sampler=dict(num=256)),
        rpn_proposal=dict(nms_pre=1000, max_per_img=500),
        rcnn=dict(sampler=dict(num=64)),
    ),
    test_cfg=dict(rpn=dict(nms_pre=2000, max_per_img=1000)),
)
