# As its parent, with Mask Focal Loss.
_base_ = './fcos_r50_36e_scut-b.py'
model = dict(bbox_head=dict(loss_cls=dict(_delete_=True, type='mmcrowd.MaskFocalLoss', use_sigmoid=True)))
