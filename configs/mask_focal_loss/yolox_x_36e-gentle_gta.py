# YOLOX-X with its own losses on GTA_Head, at a gentler rate.
_base_ = [
    '../_base_/models/yolox_x.py',
    '../_base_/datasets/gta_head_1088x608.py',
    '../_base_/schedules/adam_36e_gentle.py',
    '../_base_/detection_runtime.py',
]
