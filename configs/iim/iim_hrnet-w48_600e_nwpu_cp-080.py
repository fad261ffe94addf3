# Table 3 of the IIM paper: a fixed threshold of 0.8, trained with the squared error alone.
_base_ = './iim_hrnet-w48_600e_nwpu.py'
model = dict(
    bbox_head=dict(
        threshold_encoder=dict(_delete_=True, type='mmcrowd.FixedThreshold', threshold=0.8), loss_binary=None
    )
)
