# FoveaBox with its own losses on SCUT-HEAD part A: the paper's recipe, from random weights.
_base_ = [
    '../_base_/models/foveabox_r50.py',
    '../_base_/datasets/scut_head_a_1088x608.py',
    '../_base_/schedules/adam_36e.py',
]
