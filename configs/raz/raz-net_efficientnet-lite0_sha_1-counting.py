# A compact RAZ-Net on ShanghaiTech A, stage 1: trunk and counting branch. Its start:
#   --cfg-options load_from=mmcrowd/zoo/crowd_lite-802ed059.safetensors
_base_ = './_base_/sha_compact.py'

model = dict(
    frozen=('localization', 'attention'), fusion=dict(type='mmcrowd.TwoStreamFusion', mode='density'), **_base_.main_net
)
train_dataloader = dict(dataset=dict(pipeline=[*_base_.load, _base_.crop, *_base_.vary, _base_.pack]))
