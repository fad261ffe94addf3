# A small CenterNet on SCUT-HEAD part A, from random weights on one CPU core.
_base_ = [
    '../_base_/models/centernet_dla34.py',
    '../_base_/datasets/scut_head_a_crops.py',
    '../_base_/schedules/adamw_cosine_8e.py',
]
model = dict(
    backbone=dict(channels=(8, 16, 32, 64, 128, 256)),
    neck=dict(in_channels=(32, 64, 128, 256), use_dcn=False),
    bbox_head=dict(in_channels=32, feat_channels=64),
)
train_dataloader = dict(
    dataset=dict(
        pipeline=[*_base_.detector_augmentation, dict(type='mmcrowd.EncodeTargets', codec=_base_.codec), _base_.pack]
    )
)
