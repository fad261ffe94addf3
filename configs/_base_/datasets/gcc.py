# GCC: images of a video game, divided at random; setting='camera' or 'location' divides by camera or place. A tenth of
# the training scenes chooses the checkpoint. Images are reduced to a longer side of 960 pixels, as is usual.
# Expected: data/gcc/txt_list, data/gcc/<scene>/{pngs,mats}
_base_ = '../loaders/points.py'

data = dict(type='mmcrowd.GCC', data_root='data/gcc/', setting='random')
resize = dict(type='mmcrowd.ClampSides', max_side=960)
load = [*_base_.load, resize]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    resize,
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.PackCrowdInputs', drop_outside=False),
]

train_dataloader = dict(
    dataset=dict(**data, split='train', subset='train', pipeline=[*load, *_base_.augment, _base_.pack])
)
val_dataloader = dict(dataset=dict(**data, split='train', subset='val', pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(**data, split='test', pipeline=test_pipeline))
