# Table 3 of the IIM paper: one threshold per image.
_base_ = './iim_hrnet-w48_600e_nwpu.py'
model = dict(
    bbox_head=dict(threshold_encoder=dict(_delete_=True, type='mmcrowd.ImageThresholdEncoder', in_channels=720))
)
