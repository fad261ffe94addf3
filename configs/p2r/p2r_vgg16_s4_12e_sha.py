# P2R behind VGG-16 beside FIDT at the same budget: fidt/fidt_vgg16_s2_12e_sha.py.
_base_ = [
    '../_base_/models/p2r_vgg16.py',
    '../_base_/datasets/shanghaitech_a.py',
    '../_base_/schedules/adamw_fine_tune_12e.py',
    '../_base_/default_runtime.py',
]
train_pipeline = [
    *_base_.load,
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256), scale_range=(0.7, 1.4), context=0),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion', brightness_delta=24, contrast_range=(0.75, 1.25), hue_delta=9),
    dict(type='RandomGrayscale', prob=0.1, keep_channels=True),
    _base_.pack,
]
train_dataloader = dict(batch_size=8, num_workers=1, dataset=dict(pipeline=train_pipeline))
optim_wrapper = dict(optimizer=dict(lr=1e-3))
default_hooks = dict(checkpoint=dict(interval=3, save_best='crowd/f1_8px'))
