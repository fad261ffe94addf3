# DeepCount: 58,109,766 parameters in training, of which prediction needs 21,403,201; with branches=() and counts=()
# the same weights load.
_base_ = './density_vgg16.py'

# Sigma 5 in pixels of the original; what of a head lies in another tile counts there.
codec = dict(
    type='mmcrowd.DensityCodec',
    sigma=5,
    border='image',
    count_padding=True,
    counts=('backbone', 'branch_1', 'branch_2', 'branch_3', 'branch_4', 'branch_5'),
)
model = dict(
    bbox_head=dict(
        type='mmcrowd.DeepCountHead',
        codec=codec,
        # The scale of the released code; the paper has half of it.
        losses=dict(map=dict(type='mmcrowd.MapL1Loss', normalizer='batch', loss_weight=0.01)),
    ),
    test_cfg=dict(mode='tile', tile=(384, 512), halo=0, full_tiles=True),
)
# Tiles are crops of originals; what is smaller than a tile is padded with the mean colour (BGR).
tile_steps = [
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(512, 384)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='Pad', size=(512, 384), pad_val=dict(img=(104, 116, 124))),
    dict(type='mmcrowd.EncodeTargets', codec=codec),
]
counting_evaluator = [
    dict(type='mmcrowd.CrowdCountingMetric'),
    *[
        dict(type='mmcrowd.CrowdCountingMetric', count=f'pred_count_branch_{j}', prefix=f'branch_{j}')
        for j in (1, 2, 3, 4, 5)
    ],
    dict(type='mmcrowd.GAMEMetric', level=3),
]
