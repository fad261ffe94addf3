# RetinaNet with Mask Focal Loss on SCUT-HEAD part A, the paper's recipe from random weights.
_base_ = [
    '../_base_/models/retinanet_r50.py',
    '../_base_/datasets/scut_head_a_1088x608.py',
    '../_base_/schedules/adam_36e.py',
    '../_base_/detection_runtime.py',
]
model = dict(
    backbone=dict(init_cfg=None),
    bbox_head=dict(loss_cls=dict(_delete_=True, type='mmcrowd.MaskFocalLoss', use_sigmoid=True)),
)
