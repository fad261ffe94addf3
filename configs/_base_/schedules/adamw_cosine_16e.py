# The schedule of the small detectors: adamw_cosine_100e.py in 16 epochs, checked only near its end.
_base_ = './adamw_cosine_100e.py'

param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=200),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=16, eta_min=1e-6, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=16, val_begin=8, val_interval=4)
