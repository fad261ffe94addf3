# RAZ-Net on ShanghaiTech A, stage 2: Main-Net's localization branch.
_base_ = './_base_/sha.py'

model = dict(
    frozen=('backbone', 'density', 'attention'),
    fusion=dict(type='mmcrowd.TwoStreamFusion', mode='points'),
    **_base_.main_net,
)
