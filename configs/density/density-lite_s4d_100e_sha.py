# density_lite on ShanghaiTech A from scratch, for a laptop: the recipe of fidt_lite.
_base_ = [
    '../_base_/models/density_lite.py',
    '../_base_/datasets/shanghaitech_a.py',
    '../_base_/schedules/adamw_cosine_100e.py',
    '../_base_/default_runtime.py',
    '../_base_/counting.py',
]
crop = dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256), scale_range=(0.7, 1.4))
encode = dict(type='mmcrowd.EncodeTargets', codec=_base_.codec)
train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    dataset=dict(pipeline=[*_base_.load, crop, *_base_.vary, encode, _base_.pack]),
)
val_evaluator = _base_.counting_evaluator
test_evaluator = _base_.counting_evaluator
default_hooks = dict(logger=dict(interval=17), checkpoint=dict(interval=5))
