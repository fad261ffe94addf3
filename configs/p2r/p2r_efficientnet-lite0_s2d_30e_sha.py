# P2R behind EfficientNet-Lite0 on ShanghaiTech A, seven minutes on one CPU core: beside FIDT at the same budget.
_base_ = [
    '../_base_/models/p2r_efficientnet_lite0.py',
    '../_base_/datasets/shanghaitech_a.py',
    '../_base_/schedules/adamw_cosine_100e.py',
    '../_base_/default_runtime.py',
]
train_pipeline = [
    *_base_.load,
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256), scale_range=(0.7, 1.4), context=0),
    *_base_.vary,
    _base_.pack,
]
train_dataloader = dict(batch_size=8, num_workers=1, dataset=dict(pipeline=train_pipeline))
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.3)}))
max_epochs = 30
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, eta_min=1e-6, convert_to_iter_based=True),
]
custom_hooks = [dict(type='mmcrowd.ChannelsLastHook'), dict(type='mmcrowd.PreciseBN')]
default_hooks = dict(checkpoint=dict(interval=10, save_best='crowd/f1_8px'))
