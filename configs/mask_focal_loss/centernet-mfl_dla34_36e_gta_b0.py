# Equation 7 without beta on GTA_Head (table 3: gamma 1 to 6).
_base_ = './centernet-mfl_dla34_36e_gta.py'
model = dict(bbox_head=dict(loss_heat=dict(gamma=4.0, beta=0.0)))
