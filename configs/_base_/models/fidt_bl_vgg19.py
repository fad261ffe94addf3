# FIDT on the Bayesian loss's network (FIDTM, table XIV): three deconvolutions in place of its last layer, squared error
# alone. The layers are not published.
_base_ = './bl_vgg19.py'

codec = dict(type='mmcrowd.FIDTCodec')
model = dict(
    bbox_head=dict(
        _delete_=True,
        type='mmcrowd.FIDTHead',
        in_channels=128,
        deconv_channels=(64, 32, 1),
        codec=codec,
        losses=dict(map=dict(type='mmcrowd.MapMSELoss', normalizer='num_heads')),
    )
)
