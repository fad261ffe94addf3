# As its parent, with one threshold per image.
_base_ = './iim-lite_s2d_150e_sha.py'
model = dict(
    bbox_head=dict(threshold_encoder=dict(_delete_=True, type='mmcrowd.ImageThresholdEncoder', in_channels=32, block=4))
)
# One linear layer behind an average moves its threshold far less than the four of the parent.
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(threshold_encoder=dict(lr_mult=0.5))))
