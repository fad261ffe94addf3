# CrowdHuman, head boxes: 15,000 training and 4370 validation images; the annotations of the test images are not public,
# so testing runs on the validation images. The radius of a head comes from its box.
# Expected: data/crowd_human/{annotation_train.odgt,annotation_val.odgt,Images}
_base_ = '../loaders/boxes.py'

data = dict(type='mmcrowd.CrowdHumanHeads', data_root='data/crowd_human/')
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

train_dataloader = dict(dataset=dict(**data, split='train', pipeline=[*load, *augment, _base_.pack]))
val_dataloader = dict(dataset=dict(**data, split='val', pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(**data, split='val', pipeline=test_pipeline))
