# ShanghaiTech B for the stages of RAZ-Net.
_base_ = ['./stage.py', '../../_base_/datasets/shanghaitech_b.py']

train_dataloader = dict(
    batch_size=8,
    dataset=dict(pipeline=[*_base_.load, _base_.spacing, *_base_.crop, *_base_.targets, _base_.pack]),
)
