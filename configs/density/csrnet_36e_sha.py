# CSRNet on ShanghaiTech A in under half an hour of one CPU core with bfloat16: crops, AdamW, cosine to zero; the first
# two stages of the front end stay as they are, the others learn at a quarter of the rate.
_base_ = [
    '../_base_/models/csrnet.py',
    '../_base_/datasets/shanghaitech_a.py',
    '../_base_/schedules/adamw_cosine_100e.py',
    '../_base_/default_runtime.py',
    '../_base_/counting.py',
]
codec = dict(type='mmcrowd.DensityCodec', stride=8, sigma=15, beta=0.3)
model = dict(backbone=dict(frozen_stages=2), bbox_head=dict(codec=codec))
train_pipeline = [
    *_base_.load,
    dict(type='mmcrowd.MeasureSpacing', codec=codec),
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256), scale_range=(0.75, 1.33)),
    *_base_.vary,
    dict(type='mmcrowd.EncodeTargets', codec=codec),
    _base_.pack,
]
train_dataloader = dict(batch_size=8, num_workers=1, dataset=dict(pipeline=train_pipeline))
optim_wrapper = dict(optimizer=dict(lr=2e-4), paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.25))))
max_epochs = 36
train_cfg = dict(max_epochs=max_epochs, val_interval=12)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, eta_min=1e-6, convert_to_iter_based=True),
]
custom_hooks = [dict(type='mmcrowd.ChannelsLastHook')]
val_evaluator = _base_.counting_evaluator
test_evaluator = _base_.counting_evaluator
default_hooks = dict(logger=dict(interval=17), checkpoint=dict(interval=3))
