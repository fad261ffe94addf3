# YOLOX with its own losses on SCUT-HEAD part B: the paper's recipe, from random weights.
_base_ = [
    '../_base_/models/yolox_x.py',
    '../_base_/datasets/scut_head_b_1088x608.py',
    '../_base_/schedules/adam_36e.py',
]
