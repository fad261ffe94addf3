# What the recipes of a data set share: densities of stride 8, sigma 4 unless the data set says otherwise, crops of 256
# pixels. A data set adds
#   train_dataloader = dict(batch_size=8)
#   val_evaluator = _base_.counting_evaluator
#   test_evaluator = _base_.counting_evaluator
_base_ = [
    '../../_base_/schedules/adam_1000e.py',
    '../../_base_/default_runtime.py',
    '../../_base_/counting.py',
]
codec = dict(type='mmcrowd.DensityCodec', stride=8, sigma=4)
crop = dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256))
flip = dict(type='RandomFlip', prob=0.5)
draw = [crop, flip, dict(type='mmcrowd.EncodeTargets', codec=codec)]
default_hooks = dict(checkpoint=dict(interval=5))
