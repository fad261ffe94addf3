# A small YOLOX on SCUT-HEAD part A, from random weights on one CPU core.
_base_ = [
    '../_base_/models/yolox_x.py',
    '../_base_/datasets/scut_head_a_crops.py',
    '../_base_/schedules/adamw_cosine_8e.py',
]
model = dict(
    backbone=dict(deepen_factor=0.33, widen_factor=0.25, out_indices=(1, 2, 3)),
    neck=dict(in_channels=[32, 64, 128], out_channels=64, num_csp_blocks=1),
    bbox_head=dict(in_channels=64, feat_channels=64, strides=(4, 8, 16)),
)
