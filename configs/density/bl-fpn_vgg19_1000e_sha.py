# The Bayesian loss's network with a pyramid over conv3 to conv5, density of stride 4. The layers are not published.
_base_ = './bl_vgg19_1000e_sha.py'
model = dict(
    backbone=dict(out_indices=(2, 3, 4)),
    neck=[
        dict(type='mmcrowd.ConcatFPN', in_channels=[256, 512, 512]),
        dict(type='mmcrowd.ConvBackEnd', in_channels=768, channels=(256, 128), dilation=1, init_cfg=None),
    ],
    bbox_head=dict(codec=dict(stride=4)),
)
