# CANNet as released, its back end normalised (the paper says nothing of that): 18,103,489 parameters. Its context is
# that of the whole image, so it predicts images whole; the released code predicts and trains on quadrants, which are
#   test_cfg=dict(mode='tile', grid=(2, 2), halo=0).
_base_ = './csrnet.py'

model = dict(
    neck=[dict(type='mmcrowd.ScaleContext'), dict(type='mmcrowd.ConvBackEnd', norm_cfg=dict(type='BN'))],
    # Where an image is too large for one pass: tiles without halo, each with a context of its own.
    test_cfg=dict(mode='auto', tile=2048, halo=0, max_pixels=2**22),
)
