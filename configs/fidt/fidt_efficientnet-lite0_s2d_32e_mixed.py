# FIDT behind EfficientNet-Lite0 on streets, classrooms and rendered crowds: little more than an hour on two CPU cores.
#   OMP_NUM_THREADS=1 tools/train.py configs/fidt/fidt_efficientnet-lite0_s2d_32e_mixed.py
_base_ = [
    '../_base_/models/fidt_efficientnet_lite0.py',
    '../_base_/datasets/mixed_crowds.py',
    '../_base_/schedules/adamw_cosine_100e.py',
    '../_base_/default_runtime.py',
]
# An absolute threshold, chosen on validation images of streets, classrooms and rendered places without people: relative
# to the map's maximum, the best one differs from place to place.
model = dict(bbox_head=dict(codec=dict(relative=False, threshold=0.3)))
draw = [*_base_.vary, dict(type='mmcrowd.EncodeTargets', codec=_base_.codec), _base_.pack]
streets = dict(**_base_.streets, pipeline=[*_base_.load, _base_.crop, *draw])
classrooms = dict(**_base_.classrooms, pipeline=[*_base_.load, _base_.classroom_crop, *draw])
rendered = dict(**_base_.rendered, pipeline=[*_base_.load_rendered, _base_.crop, *draw])
train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        ignore_keys='revision',
        datasets=[dict(type='RepeatDataset', times=6, dataset=streets), classrooms, rendered],
    ),
)
max_epochs = 32
train_cfg = dict(max_epochs=max_epochs, val_interval=4)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=300),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, eta_min=1e-6, convert_to_iter_based=True),
]
# No average of the weights: the rate falls to zero, and averages have cost short runs more than they gave.
custom_hooks = [dict(type='mmcrowd.ChannelsLastHook'), dict(type='mmcrowd.PreciseBN')]
default_hooks = dict(checkpoint=dict(interval=2, save_best='crowd/f1_8px'))
