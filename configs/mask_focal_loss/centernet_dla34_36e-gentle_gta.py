# CenterNet with its own losses on GTA_Head, at a gentler rate.
_base_ = [
    '../_base_/models/centernet_dla34.py',
    '../_base_/datasets/gta_head_1088x608.py',
    '../_base_/schedules/adam_36e_gentle.py',
    '../_base_/detection_runtime.py',
]
train_dataloader = dict(dataset=dict(pipeline=_base_.heatmap_train_pipeline))
