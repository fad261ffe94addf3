# CSRNet: VGG-16's first ten convolutions and six dilated ones, 16,263,489 parameters, density of stride 8.
_base_ = './density_vgg16.py'

model = dict(
    neck=dict(type='mmcrowd.ConvBackEnd'),
    bbox_head=dict(
        type='mmcrowd.DensityHead',
        in_channels=64,
        codec=dict(type='mmcrowd.DensityCodec'),
        losses=dict(map=dict(type='mmcrowd.MapMSELoss', normalizer='batch')),
    ),
    # Half the receptive field is less than 160 pixels: with this halo, tiles count what the whole image counts.
    test_cfg=dict(mode='auto', tile=1536, halo=160, max_pixels=2**21),
)
