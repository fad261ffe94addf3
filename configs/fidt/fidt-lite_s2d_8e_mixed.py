# fidt_lite from scratch on streets, classrooms and rendered crowds, a budget of one CPU core: 2,400 steps of 8 crops.
_base_ = './fidt_efficientnet-lite0_s2d_32e_mixed.py'

model = dict(
    data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]),
    backbone=dict(
        _delete_=True, type='mmcrowd.SpaceToDepthResNet', channels=(32, 64, 128, 192, 256), blocks=(0, 2, 2, 2, 1)
    ),
    neck=dict(in_channels=(32, 64, 128, 192, 256), lateral_norm_cfg=None),
    bbox_head=dict(codec=dict(threshold=0.28)),  # chosen on the validation images
    test_cfg=dict(halo=288),
)
max_epochs = 8
train_cfg = dict(max_epochs=max_epochs, val_interval=4)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=300),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, eta_min=1e-6, convert_to_iter_based=True),
]
