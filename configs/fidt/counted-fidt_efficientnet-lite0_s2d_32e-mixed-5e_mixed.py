# Peaks that locate and a density that counts, on streets, classrooms and rendered crowds, in crops of 384 pixels. Its
# start is crowd_lite: --cfg-options load_from=mmcrowd/zoo/crowd_lite-802ed059.safetensors
_base_ = [
    '../_base_/models/counted_fidt_efficientnet_lite0.py',
    '../_base_/datasets/mixed_crowds.py',
    '../_base_/schedules/adamw_fine_tune_12e.py',
    '../_base_/default_runtime.py',
]
draw = [*_base_.vary, dict(type='mmcrowd.EncodeTargets', codec=_base_.codec), _base_.pack]
crop = dict(type='mmcrowd.RandomScaleCrop', crop_size=(384, 384), scale_range=(0.75, 1.33))
classroom_crop = dict(type='mmcrowd.RandomScaleCrop', crop_size=(384, 384), scale_range=(0.5, 1.2))
rendered = {**_base_.rendered, 'length': 160, 'size': (512, 448), 'heads': (5, 400)}
streets = dict(**_base_.streets, pipeline=[*_base_.load, crop, *draw])
classrooms = dict(**_base_.classrooms, pipeline=[*_base_.load, classroom_crop, *draw])
rendered = dict(**rendered, pipeline=[*_base_.load_rendered, crop, *draw])
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        ignore_keys='revision',
        datasets=[dict(type='RepeatDataset', times=5, dataset=streets), classrooms, rendered],
    ),
)
max_epochs = 5
train_cfg = dict(max_epochs=max_epochs, val_interval=5)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, eta_min=1e-6, convert_to_iter_based=True),
]
default_hooks = dict(checkpoint=dict(interval=1, save_best='crowd/f1_8px'))
