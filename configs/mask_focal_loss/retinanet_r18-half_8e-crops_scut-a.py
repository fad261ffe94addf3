# A small RetinaNet on SCUT-HEAD part A, from random weights on one CPU core.
_base_ = [
    '../_base_/models/retinanet_r50.py',
    '../_base_/datasets/scut_head_a_crops.py',
    '../_base_/schedules/adamw_cosine_8e.py',
]
model = dict(
    backbone=dict(depth=18, base_channels=32),
    neck=dict(in_channels=[32, 64, 128, 256], start_level=0, out_channels=64, num_outs=4),
    bbox_head=dict(in_channels=64, feat_channels=64, stacked_convs=2, anchor_generator=dict(strides=[4, 8, 16, 32])),
)
