# CroHD (HT21): four annotated sequences. The annotations of the test sequences are not public, so HT21-04 is kept back
# for validation and testing. The radius of a head comes from its box. Expected: data/crohd/HT21/train/HT21-<s>
_base_ = '../loaders/boxes.py'

data = dict(type='mmcrowd.CroHD', data_root='data/crohd/', split='train', val_split=['HT21-04'])
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

train_dataloader = dict(dataset=dict(**data, subset='train', pipeline=[*load, *augment, _base_.pack]))
val_dataloader = dict(dataset=dict(**data, subset='val', pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(**data, subset='val', pipeline=test_pipeline))
