# crowd_count_lite, taught ShanghaiTech A alone for another 24 epochs. Its start:
# --cfg-options load_from=mmcrowd/zoo/crowd_count_lite-3216a54e.safetensors
_base_ = './counted-fidt_efficientnet-lite0_s2d_32e-mixed-5e_mixed.py'

# With the mirror image, and counted by the density: both chosen on the validation images.
model = dict(test_cfg=dict(mirror=True))
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        **_base_.data,
        split='train',
        subset='train',
        val_split=0.1,
        pipeline=[*_base_.load, _base_.crop, *_base_.draw],
    ),
)
optim_wrapper = dict(optimizer=dict(lr=3e-4))
max_epochs = 24
train_cfg = dict(max_epochs=max_epochs, val_interval=12)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, eta_min=1e-6, convert_to_iter_based=True),
]
default_hooks = dict(checkpoint=dict(interval=4))
test_evaluator = [
    dict(type='mmcrowd.CrowdCountingMetric', count='pred_count_density'),
    dict(type='mmcrowd.CrowdCountingMetric', prefix='together'),
    dict(type='mmcrowd.CrowdLocalizationMetric', radii=[4, 8]),
]
