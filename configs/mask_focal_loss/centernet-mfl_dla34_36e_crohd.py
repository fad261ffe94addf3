# As its parent, with Mask Focal Loss.
_base_ = './centernet_dla34_36e_crohd.py'
model = dict(bbox_head=dict(loss_heat=dict(gamma=4.0, beta=0.5, poly=1.0, mask='support', negative_beta=0.0)))
