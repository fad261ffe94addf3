# RAZ-Net on WorldExpo'10, stage 3: Main-Net's zooming branch.
_base_ = './_base_/world-expo.py'

model = dict(
    frozen=('backbone', 'density', 'localization'),
    fusion=dict(type='mmcrowd.TwoStreamFusion', mode='average'),
    **_base_.main_net,
)
