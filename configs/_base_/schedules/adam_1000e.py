# For density networks with pretrained front ends: Adam at a small constant rate, the recipe of the Bayesian loss. That
# of CSRNet is SGD at 1e-7 on whole images for 400 epochs, that of CANNet Adam at 1e-4, each with its sum of the loss.
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-5, weight_decay=1e-4))
param_scheduler = []
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=1000, val_begin=100, val_interval=5)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
