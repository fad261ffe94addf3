# ShanghaiTech A: sigma follows the distance to the nearest heads.
_base_ = [
    '../../_base_/datasets/shanghaitech_a.py',
    '../../_base_/schedules/adam_1000e.py',
    '../../_base_/default_runtime.py',
    '../../_base_/counting.py',
]
codec = dict(type='mmcrowd.DensityCodec', stride=8, sigma=15, beta=0.3)
crop = dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256))
flip = dict(type='RandomFlip', prob=0.5)
draw = [
    dict(type='mmcrowd.MeasureSpacing', codec=codec),
    crop,
    flip,
    dict(type='mmcrowd.EncodeTargets', codec=codec),
]
train_dataloader = dict(batch_size=8)
val_evaluator = _base_.counting_evaluator
test_evaluator = _base_.counting_evaluator
default_hooks = dict(checkpoint=dict(interval=5))
