# Ablation (table IX): the plain inverse distance transform, 1 / (P + 1).
_base_ = './fidt_hrnet-w48_3000e_sha.py'
codec = dict(type='mmcrowd.FIDTCodec', alpha=0.0, beta=1.0)
train_pipeline = [
    *_base_.load,
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256), context=128),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmcrowd.EncodeTargets', codec=codec),
    _base_.pack,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
model = dict(bbox_head=dict(codec=codec))
