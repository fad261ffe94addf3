# What is published of RAZ-Net's training: SGD with momentum 0.95 at 1e-4, halved where validation no longer improves.
# Number of epochs, batches and crops are ours.
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=1e-4, momentum=0.95))
param_scheduler = [dict(type='MultiStepLR', by_epoch=True, milestones=[100, 150, 175], gamma=0.5)]
max_epochs = 200
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=max_epochs)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
