# The recipe of the Mask Focal Loss paper: Adam, from 1e-2 to 1e-4 in 36 epochs, batch size 8. The shape of the decay is
# not published; warm-up and clipping are ours, because 1e-2 is high for Adam and random weights.
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-2), clip_grad=dict(max_norm=35.0, norm_type=2)
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=36, eta_min=1e-4, convert_to_iter_based=True),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=36, val_interval=2)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
