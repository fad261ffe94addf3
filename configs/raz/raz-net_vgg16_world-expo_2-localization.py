# RAZ-Net on WorldExpo'10, stage 2: Main-Net's localization branch.
_base_ = './_base_/world-expo.py'

model = dict(
    frozen=('backbone', 'density', 'attention'),
    fusion=dict(type='mmcrowd.TwoStreamFusion', mode='points'),
    **_base_.main_net,
)
