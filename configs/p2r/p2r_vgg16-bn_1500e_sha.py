# P2R's published recipe on ShanghaiTech A: crops of 256 pixels, batch 16, Adam 5e-5, a fifth of it for the encoder.
_base_ = [
    '../_base_/models/p2r_vgg16_bn.py',
    '../_base_/datasets/shanghaitech_a.py',
    '../_base_/default_runtime.py',
]
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=5e-5, weight_decay=1e-4),
    clip_grad=dict(max_norm=5.0),
    paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.2)}),
)
param_scheduler = []
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=1500, val_interval=10)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
default_hooks = dict(checkpoint=dict(interval=10))
