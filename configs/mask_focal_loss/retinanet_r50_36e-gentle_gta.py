# RetinaNet with its own losses on GTA_Head, at a gentler rate from ImageNet weights.
_base_ = [
    '../_base_/models/retinanet_r50.py',
    '../_base_/datasets/gta_head_1088x608.py',
    '../_base_/schedules/adam_36e_gentle.py',
    '../_base_/detection_runtime.py',
]
