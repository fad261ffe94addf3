# As jhu.py, regions from boxes.
_base_ = './jhu.py'

codec = dict(type='mmcrowd.InstanceMapCodec', source='box', cap=15)
train_pipeline = [
    *_base_.load,
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(1024, 512), scale_range=(0.8, 1.2), context=192),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmcrowd.EncodeTargets', codec=codec, pseudo_size=6),
    _base_.pack,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
