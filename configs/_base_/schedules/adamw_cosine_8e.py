# The schedule of the small detectors: adamw_cosine_100e.py in 8 epochs, too few for an average of the weights.
_base_ = './adamw_cosine_100e.py'

param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=8, eta_min=1e-6, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=8, val_interval=8)
val_cfg = dict(fp16=True)
test_cfg = dict(fp16=True)
custom_hooks = [dict(type='mmcrowd.ChannelsLastHook')]
