# As its parent, with one threshold per image.
_base_ = './iim-lite_s2d_60e_sha.py'
model = dict(
    bbox_head=dict(threshold_encoder=dict(_delete_=True, type='mmcrowd.ImageThresholdEncoder', in_channels=32, block=4))
)
