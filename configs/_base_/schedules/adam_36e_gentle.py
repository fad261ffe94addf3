# The Mask Focal Loss recipe at a twentieth of its rate. ResNets start from their ImageNet weights, DLA-34 and YOLOX
# from random ones.
_base_ = './adam_36e.py'

optim_wrapper = dict(optimizer=dict(lr=5e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=36, eta_min=5e-6, convert_to_iter_based=True),
]
