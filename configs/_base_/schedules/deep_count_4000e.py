# DeepCount's released schedule, on 300 images: batches of 20, 40,000 steps of Adam at 1e-4 and 20,000 at 1e-5, the
# front end at half of it. Weight decay as in the paper (the released code computes it, but does not apply it), not on
# biases.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=1e-4, weight_decay=1e-5),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.5)), bias_decay_mult=0.0),
)
param_scheduler = [dict(type='MultiStepLR', by_epoch=True, milestones=[2667], gamma=0.1)]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=4000, val_begin=100, val_interval=25)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
