# As nwpu.py, regions from boxes.
_base_ = './nwpu.py'

codec = dict(type='mmcrowd.InstanceMapCodec', source='box')
train_pipeline = [
    *_base_.load,
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(1024, 512), scale_range=(0.8, 1.2), context=192),
    dict(type='RandomFlip', prob=0.5),
    # A box without area is drawn as the smallest one of the released rule, half side 3.
    dict(type='mmcrowd.EncodeTargets', codec=codec, pseudo_size=6),
    _base_.pack,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
