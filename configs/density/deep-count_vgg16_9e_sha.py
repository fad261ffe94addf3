# DeepCount on ShanghaiTech A in under half an hour of one CPU core with bfloat16, the budget of csrnet_36e_sha.py:
# tiles of originals, sigma 5; the first two stages of the front end stay as they are. One test evaluates all six
# outputs: crowd/mae is that of the count, branch_1/mae to branch_5/mae those of the branches.
_base_ = [
    '../_base_/models/deep_count.py',
    '../_base_/datasets/shanghaitech_a.py',
    '../_base_/schedules/adamw_cosine_100e.py',
    '../_base_/default_runtime.py',
]
model = dict(backbone=dict(frozen_stages=2))
train_dataloader = dict(
    batch_size=4, num_workers=1, dataset=dict(pipeline=[*_base_.load, *_base_.tile_steps, _base_.pack])
)
optim_wrapper = dict(optimizer=dict(lr=2e-4), paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.25))))
max_epochs = 9
train_cfg = dict(max_epochs=max_epochs, val_interval=3)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, eta_min=1e-6, convert_to_iter_based=True),
]
custom_hooks = [dict(type='mmcrowd.ChannelsLastHook'), dict(type='mmcrowd.PreciseBN')]
val_evaluator = _base_.counting_evaluator
test_evaluator = _base_.counting_evaluator
default_hooks = dict(logger=dict(interval=17), checkpoint=dict(interval=1))
