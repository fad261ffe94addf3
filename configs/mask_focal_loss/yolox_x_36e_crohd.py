# YOLOX with its own losses on CroHD: the paper's recipe, from random weights.
_base_ = [
    '../_base_/models/yolox_x.py',
    '../_base_/datasets/crohd_1088x608.py',
    '../_base_/schedules/adam_36e.py',
]
