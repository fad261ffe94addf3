# FIDT behind EfficientNet-Lite0 on streets, classrooms and rendered crowds: about an hour on one CPU core and a half,
#   OMP_NUM_THREADS=1 tools/train.py configs/fidt/fidt_efficientnet-lite0_s2d_32e_mixed.py
_base_ = [
    '../_base_/models/fidt_efficientnet_lite0.py',
    '../_base_/datasets/mixed_crowds.py',
    '../_base_/schedules/adamw_cosine_100e.py',
    '../_base_/default_runtime.py',
]
max_epochs = 32
train_cfg = dict(max_epochs=max_epochs, val_interval=4)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=300),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, eta_min=1e-6, convert_to_iter_based=True),
]
# No average of the weights: the rate falls to zero, and averages have cost short runs more than they gave.
custom_hooks = [dict(type='mmcrowd.ChannelsLastHook'), dict(type='mmcrowd.PreciseBN')]
default_hooks = dict(checkpoint=dict(interval=2, max_keep_ckpts=2, save_best='crowd/f1_8px'))
