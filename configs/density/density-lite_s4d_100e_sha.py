# density_lite on ShanghaiTech A from scratch, for a laptop: the recipe of fidt_lite.
_base_ = [
    '../_base_/models/density_lite.py',
    '../_base_/datasets/shanghaitech_a.py',
    '../_base_/schedules/adamw_cosine_100e.py',
    '../_base_/default_runtime.py',
    '../_base_/counting.py',
]
crop = dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256), scale_range=(0.7, 1.4))
flip = dict(type='RandomFlip', prob=0.5)
colour = [
    dict(type='PhotoMetricDistortion', brightness_delta=24, contrast_range=(0.75, 1.25), hue_delta=9),
    dict(type='RandomGrayscale', prob=0.1, keep_channels=True),
]
encode = dict(type='mmcrowd.EncodeTargets', codec=_base_.codec)
train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    dataset=dict(pipeline=[*_base_.load, crop, flip, encode, *colour, _base_.pack]),
)
val_evaluator = _base_.counting_evaluator
test_evaluator = _base_.counting_evaluator
default_hooks = dict(logger=dict(interval=17), checkpoint=dict(interval=5))
