# P2R on crowd_lite's body, beside FIDT at the same budget: fidt/fidt_efficientnet-lite0_s2d_32e-mixed-24e_sha.py.
#   --cfg-options load_from=mmcrowd/zoo/crowd_lite-802ed059.safetensors
_base_ = ['./p2r_efficientnet-lite0_s2d_30e_sha.py', '../_base_/pipelines/point_crops_384.py']

model = dict(test_cfg=dict(mirror=True))
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=[*_base_.load, *_base_.point_crops, _base_.pack]))
optim_wrapper = dict(optimizer=dict(lr=3e-4))
max_epochs = 24
train_cfg = dict(max_epochs=max_epochs, val_interval=8)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, eta_min=1e-6, convert_to_iter_based=True),
]
default_hooks = dict(checkpoint=dict(interval=4))
