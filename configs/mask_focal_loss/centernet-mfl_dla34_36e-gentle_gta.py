# CenterNet with Mask Focal Loss on GTA_Head, at a gentler rate.
_base_ = [
    '../_base_/models/centernet_dla34.py',
    '../_base_/datasets/gta_head_1088x608.py',
    '../_base_/schedules/adam_36e_gentle.py',
    '../_base_/detection_runtime.py',
]
model = dict(bbox_head=dict(loss_heat=dict(gamma=4.0, beta=0.5, poly=1.0, mask='support', negative_beta=0.0)))
train_dataloader = dict(dataset=dict(pipeline=_base_.heatmap_train_pipeline))
