# A compact RAZ-Net on ShanghaiTech A, stage 2: the localization branch; trunk and counting branch learn on with it.
_base_ = './_base_/sha_compact.py'

model = dict(frozen=('attention',), fusion=dict(type='mmcrowd.TwoStreamFusion', mode='points'), **_base_.main_net)
