# GTA_Head: 24 training and 11 test scenes; two of the training scenes choose the checkpoint. The radius of a head comes
# from its box. Expected: data/gta_head/GTA_Head/{train,test}/<scene>/{img1,gt/gt.txt}
_base_ = '../loaders/boxes.py'

data = dict(type='mmcrowd.GTAHead', data_root='data/gta_head/')
resize = dict(type='mmcrowd.ClampSides', max_side=1920)
load = [*_base_.load, resize]
augment = [
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(512, 512), scale_range=(0.75, 1.33)),
    dict(type='RandomFlip', prob=0.5),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    resize,
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.PackCrowdInputs', drop_outside=False),
]

train_dataloader = dict(dataset=dict(**data, split='train', subset='train', pipeline=[*load, *augment, _base_.pack]))
val_dataloader = dict(dataset=dict(**data, split='train', subset='val', pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(**data, split='test', pipeline=test_pipeline))
