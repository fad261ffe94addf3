# FoveaBox with its own losses on GTA_Head: the paper's recipe, from random weights.
_base_ = [
    '../_base_/models/foveabox_r50.py',
    '../_base_/datasets/gta_head_1088x608.py',
    '../_base_/schedules/adam_36e.py',
]
