# The network that was trained on mixed crowds, taught ShanghaiTech A alone for another 15 minutes, in crops of
# 384 pixels, where borders matter less. Its start: --cfg-options load_from=WEIGHTS
_base_ = './fidt_efficientnet-lite0_s2d_32e_mixed.py'

draw = _base_.draw
# Threshold, mean with the mirror image and the last epoch were chosen on the validation images.
model = dict(bbox_head=dict(codec=dict(threshold=0.26)), test_cfg=dict(mirror=True))
crop = dict(type='mmcrowd.RandomScaleCrop', crop_size=(384, 384), scale_range=(0.75, 1.33))
train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        _delete_=True, **_base_.data, split='train', subset='train', val_split=0.1, pipeline=[*_base_.load, crop, *draw]
    ),
)
optim_wrapper = dict(optimizer=dict(lr=3e-4))
max_epochs = 24
train_cfg = dict(max_epochs=max_epochs, val_interval=8)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, eta_min=1e-6, convert_to_iter_based=True),
]
default_hooks = dict(checkpoint=dict(interval=4))
