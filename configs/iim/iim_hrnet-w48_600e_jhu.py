# IIM's published recipe on JHU-CROWD++, regions from boxes.
_base_ = [
    '../_base_/models/iim_hrnet_w48.py',
    './_base_/jhu-box.py',
    '../_base_/schedules/adam_poly_600e.py',
    '../_base_/default_runtime.py',
]
model = dict(data_preprocessor=_base_.statistics, bbox_head=dict(codec=_base_.codec))
default_hooks = dict(checkpoint=dict(interval=4, save_best='crowd/f1_8px'))
