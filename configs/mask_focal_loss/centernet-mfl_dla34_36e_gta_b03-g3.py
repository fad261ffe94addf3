# L_m^P1 on GTA_Head, p^beta on both terms, the first row of table 4; the others differ in beta (0.3, 0.5, 0.75, 1) and
# gamma (3, 4, 5). Equation 7 as printed: beta_on='poly'.
_base_ = './centernet-mfl_dla34_36e_gta.py'
model = dict(bbox_head=dict(loss_heat=dict(gamma=3.0, beta=0.3)))
