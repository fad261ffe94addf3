# The released code's scale: squared error summed over all pixels, plus I-SSIM averaged over heads.
_base_ = './fidt_hrnet-w48_3000e_sha.py'
model = dict(bbox_head=dict(losses=dict(map=dict(normalizer='sum'))))
