# iim_lite on ShanghaiTech A from scratch, regions from points: the recipe of fidt_lite in 150 epochs, on one CPU core.
_base_ = [
    '../_base_/models/iim_lite.py',
    '../_base_/datasets/shanghaitech_a.py',
    '../_base_/schedules/adamw_cosine_100e.py',
    '../_base_/default_runtime.py',
]
model = dict(test_cfg=dict(return_maps=True))
# Crops know the heads within 64 pixels around them (the default context), as the figures of the README were trained;
# the codec's margin is 78, and in one crop of fifty a region at the border differs by some cells.
train_pipeline = [
    *_base_.load,
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256), scale_range=(0.7, 1.4)),
    *_base_.vary,
    dict(type='mmcrowd.EncodeTargets', codec=_base_.codec),
    _base_.pack,
]
train_dataloader = dict(batch_size=8, num_workers=1, dataset=dict(pipeline=train_pipeline))
max_epochs = 150
train_cfg = dict(max_epochs=max_epochs, val_interval=25)
val_cfg = dict(fp16=True)
test_cfg = dict(fp16=True)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=300),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, eta_min=1e-6, convert_to_iter_based=True),
]
# The encoder's rate is low: confidences are low for the first epochs, and thresholds that follow them faster all fall
# to their lower end before there is anything to separate.
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'threshold_encoder': dict(lr_mult=0.005, decay_mult=0.0)}))
default_hooks = dict(checkpoint=dict(interval=25, save_best='crowd/f1_8px'), logger=dict(interval=17))
test_evaluator = [
    dict(type='mmcrowd.CrowdCountingMetric'),
    dict(type='mmcrowd.CrowdLocalizationMetric', radii=[4, 8]),
    dict(type='mmcrowd.ThresholdMetric', codec=_base_.codec),
]
