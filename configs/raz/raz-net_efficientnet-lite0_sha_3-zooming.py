# A compact RAZ-Net on ShanghaiTech A, stage 3: attention, everything else frozen.
_base_ = './_base_/sha_compact.py'

model = dict(
    frozen=('backbone', 'density', 'localization'),
    fusion=dict(type='mmcrowd.TwoStreamFusion', mode='average'),
    **_base_.main_net,
)
