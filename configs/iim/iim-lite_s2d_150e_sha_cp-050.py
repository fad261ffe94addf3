# As its parent, with the fixed threshold 0.5: the confidence map is trained alone.
_base_ = './iim-lite_s2d_150e_sha.py'
model = dict(
    bbox_head=dict(
        threshold_encoder=dict(_delete_=True, type='mmcrowd.FixedThreshold', threshold=0.5), loss_binary=None
    )
)
