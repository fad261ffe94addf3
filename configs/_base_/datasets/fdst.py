# FDST: 60 training and 40 test videos of 150 frames; 6 of the training videos choose the checkpoint. Frames are reduced
# to a longer side of 1024 pixels. The radius of a head comes from its box.
# Expected: data/fdst/FDST/{train_data,test_data}/<video>/<frame>.jpg with <frame>.json
_base_ = '../loaders/boxes.py'

data = dict(type='mmcrowd.FDST', data_root='data/fdst/')
resize = dict(type='mmcrowd.ClampSides', max_side=1024)
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
