# The demonstration: a narrow fidt_lite on rendered crowds, about four minutes on two CPU cores.
_base_ = [
    '../_base_/models/fidt_lite.py',
    '../_base_/datasets/synthetic.py',
    '../_base_/schedules/adamw_cosine_100e.py',
    '../_base_/default_runtime.py',
]
# The least score was chosen on the validation pictures.
codec = dict(**_base_.codec, min_score=0.35)
train_pipeline = [
    *_base_.load,
    *_base_.augment,
    dict(type='mmcrowd.EncodeTargets', codec=codec),
    _base_.pack,
]
model = dict(
    backbone=dict(channels=(16, 48, 96, 128, 160), blocks=(0, 1, 2, 2, 1)),
    neck=dict(in_channels=(16, 48, 96, 128, 160), out_channels=(16, 48, 48, 48, 48)),
    bbox_head=dict(in_channels=16, codec=codec),
    test_cfg=dict(return_maps=True),
)
train_dataloader = dict(dataset=dict(length=1920, pipeline=train_pipeline))
max_epochs = 4
train_cfg = dict(max_epochs=max_epochs, val_interval=2)
val_cfg = dict(fp16=True)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, eta_min=1e-6, convert_to_iter_based=True),
]
custom_hooks = [dict(type='mmcrowd.ChannelsLastHook')]
default_hooks = dict(
    logger=dict(interval=25),
    visualization=dict(draw=True, max_images=12),
)
