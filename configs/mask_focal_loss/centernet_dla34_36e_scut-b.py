# CenterNet with its own losses on SCUT-HEAD part B: the paper's recipe, from random weights.
_base_ = [
    '../_base_/models/centernet_dla34.py',
    '../_base_/datasets/scut_head_b_1088x608.py',
    '../_base_/schedules/adam_36e.py',
]
train_dataloader = dict(
    dataset=dict(
        pipeline=[*_base_.detector_augmentation, dict(type='mmcrowd.EncodeTargets', codec=_base_.codec), _base_.pack]
    )
)
