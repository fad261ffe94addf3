# WorldExpo'10, inside the region of interest: sigma 4; what counts is the mean of the test scenes.
_base_ = [
    '../../_base_/datasets/world_expo.py',
    '../../_base_/schedules/adam_1000e.py',
    '../../_base_/default_runtime.py',
]
codec = dict(type='mmcrowd.DensityCodec', stride=8, sigma=4)
crop = dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256))
flip = dict(type='RandomFlip', prob=0.5)
draw = [
    crop,
    flip,
    dict(type='mmcrowd.EncodeTargets', codec=codec),
]
train_dataloader = dict(batch_size=8)
val_evaluator = [dict(type='mmcrowd.CrowdCountingMetric', group_by=['scene']), dict(type='mmcrowd.GAMEMetric', level=3)]
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(interval=5))
