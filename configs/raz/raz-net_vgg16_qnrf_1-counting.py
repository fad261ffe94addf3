# RAZ-Net on UCF-QNRF, stage 1: Main-Net's counting branch.
_base_ = './_base_/qnrf.py'

model = dict(
    frozen=('localization', 'attention'), fusion=dict(type='mmcrowd.TwoStreamFusion', mode='density'), **_base_.main_net
)
