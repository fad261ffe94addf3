# YOLOX-X with Mask Focal Loss on CroHD, the paper's recipe from random weights.
_base_ = [
    '../_base_/models/yolox_x.py',
    '../_base_/datasets/crohd_1088x608.py',
    '../_base_/schedules/adam_36e.py',
    '../_base_/detection_runtime.py',
]
model = dict(
    bbox_head=dict(loss_obj=dict(_delete_=True, type='mmcrowd.MaskFocalLoss', use_sigmoid=True, reduction='sum'))
)
