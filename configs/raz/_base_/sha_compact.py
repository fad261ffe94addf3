# ShanghaiTech A for the stages of the compact RAZ-Net: batches of 4 crops of 384 pixels.
_base_ = [
    '../../_base_/models/raz_net_efficientnet_lite0.py',
    '../../_base_/datasets/shanghaitech_a.py',
    '../../_base_/schedules/adamw_fine_tune_12e.py',
    '../../_base_/default_runtime.py',
]
crop = dict(type='mmcrowd.RandomScaleCrop', crop_size=(384, 384), scale_range=(0.75, 1.33))
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    dataset=dict(pipeline=[*_base_.load, crop, *_base_.vary, *_base_.targets, _base_.pack]),
)
default_hooks = dict(checkpoint=dict(interval=4))
