# As its parent, with Mask Focal Loss.
_base_ = './yolox_x_36e_scut-b.py'
model = dict(
    bbox_head=dict(loss_obj=dict(_delete_=True, type='mmcrowd.MaskFocalLoss', use_sigmoid=True, reduction='sum'))
)
