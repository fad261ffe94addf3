# A compact density network for CPUs, a quarter of an hour of one core: crowd_lite's body, taught ShanghaiTech A with
# the Bayesian loss. Its start:
#   --cfg-options load_from=mmcrowd/zoo/crowd_lite-802ed059.safetensors
_base_ = [
    '../_base_/models/density_efficientnet_lite0.py',
    '../_base_/datasets/shanghaitech_a.py',
    '../_base_/pipelines/point_crops_384.py',
    '../_base_/schedules/adamw_cosine_100e.py',
    '../_base_/default_runtime.py',
    '../_base_/counting.py',
]
train_dataloader = dict(
    batch_size=4, num_workers=1, dataset=dict(pipeline=[*_base_.load, *_base_.point_crops, _base_.pack])
)
optim_wrapper = dict(optimizer=dict(lr=5e-4), paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.3)}))
max_epochs = 12
train_cfg = dict(max_epochs=max_epochs, val_interval=6)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, eta_min=1e-6, convert_to_iter_based=True),
]
custom_hooks = [dict(type='mmcrowd.ChannelsLastHook'), dict(type='mmcrowd.PreciseBN')]
val_evaluator = _base_.counting_evaluator
test_evaluator = _base_.counting_evaluator
default_hooks = dict(checkpoint=dict(interval=4))
