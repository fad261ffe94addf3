# Equation 6 on GTA_Head (table 2: beta 0.25, 0.375, 0.5, 1.0).
_base_ = './centernet-mfl_dla34_36e_gta.py'
model = dict(bbox_head=dict(loss_heat=dict(poly=0.0, gamma=4.0, beta=0.25)))
