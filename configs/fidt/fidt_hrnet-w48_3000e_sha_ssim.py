# Ablation (table X): squared error and the global SSIM loss.
_base_ = './fidt_hrnet-w48_3000e_sha.py'
model = dict(bbox_head=dict(losses=dict(ssim=dict(_delete_=True, type='mmcrowd.SSIMLoss'))))
