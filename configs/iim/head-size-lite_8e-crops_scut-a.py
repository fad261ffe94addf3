# The compact head-scale network on the boxes of SCUT-HEAD part A, from random weights.
_base_ = [
    '../_base_/models/head_size_lite.py',
    '../_base_/datasets/scut_head_a.py',
    '../_base_/schedules/adamw_cosine_8e.py',
    '../_base_/default_runtime.py',
]
# The scales are wide, for crowds whose heads are smaller than these: boxes are 10 to 80 pixels large here.
train_pipeline = [
    *_base_.load,
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(384, 384), scale_range=(0.4, 1.25)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='mmcrowd.PackCrowdInputs', clip_boxes=False),
]
train_dataloader = dict(batch_size=8, num_workers=1, dataset=dict(pipeline=train_pipeline))
val_evaluator = [dict(type='mmcrowd.BoxIoUMetric')]
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(save_best='crowd/box_iou'))
