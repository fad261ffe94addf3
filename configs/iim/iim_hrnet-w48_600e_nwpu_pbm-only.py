# Table 3 of the IIM paper: the L1 loss trains the encoder only.
_base_ = './iim_hrnet-w48_600e_nwpu.py'
model = dict(bbox_head=dict(binary_grad_to_cp=False))
