# IIM's released recipe: Adam, whose rate falls to zero by (1 - i / total)^0.9. The threshold encoder has a rate of
# its own and no weight decay.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=1e-5, weight_decay=1e-5),
    paramwise_cfg=dict(custom_keys={'bbox_head.threshold_encoder': dict(lr_mult=0.1, decay_mult=0.0)}),
)
max_epochs = 600
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0, end=max_epochs, convert_to_iter_based=True)]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_begin=20, val_interval=4)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
