# FIDT on CSRNet (FIDTM, table XIV): three deconvolutions behind its back end, squared error alone. The layers are not
# published.
_base_ = './density_vgg16.py'

codec = dict(type='mmcrowd.FIDTCodec')
model = dict(
    neck=dict(type='mmcrowd.ConvBackEnd'),
    bbox_head=dict(
        type='mmcrowd.FIDTHead',
        in_channels=64,
        deconv_channels=(32, 16, 1),
        codec=codec,
        losses=dict(map=dict(type='mmcrowd.MapMSELoss', normalizer='num_heads')),
    ),
    test_cfg=dict(mode='auto', tile=1536, halo=160, max_pixels=2**21),
)
