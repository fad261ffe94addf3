# Ablation (table X): squared error alone.
_base_ = './fidt_hrnet-w48_3000e_sha.py'
model = dict(bbox_head=dict(losses=dict(_delete_=True, map=dict(type='mmcrowd.MapMSELoss'))))
