# FoveaBox with Mask Focal Loss on CroHD, at a gentler rate from ImageNet weights.
_base_ = [
    '../_base_/models/foveabox_r50.py',
    '../_base_/datasets/crohd_1088x608.py',
    '../_base_/schedules/adam_36e_gentle.py',
    '../_base_/detection_runtime.py',
]
model = dict(bbox_head=dict(loss_cls=dict(_delete_=True, type='mmcrowd.MaskFocalLoss', use_sigmoid=True)))
