# What the stages share but for the data set: crops of 512 pixels in batches of 8 and the schedule.
_base_ = ['../../_base_/models/raz_net.py', '../../_base_/schedules/sgd_raz_net.py', '../../_base_/default_runtime.py']
spacing = dict(type='mmcrowd.MeasureSpacing', codec=_base_.density_codec)
crop = [
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(512, 512)),
    dict(type='RandomFlip', prob=0.5),
]
default_hooks = dict(checkpoint=dict(interval=5))
