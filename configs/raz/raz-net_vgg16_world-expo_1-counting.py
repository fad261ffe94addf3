# RAZ-Net on WorldExpo'10, stage 1: Main-Net's counting branch.
_base_ = './_base_/world-expo.py'

model = dict(
    frozen=('localization', 'attention'), fusion=dict(type='mmcrowd.TwoStreamFusion', mode='density'), **_base_.main_net
)
