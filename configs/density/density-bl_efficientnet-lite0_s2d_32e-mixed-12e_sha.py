# A compact density network for CPUs, a quarter of an hour of one core: crowd_lite's body, taught ShanghaiTech A with
# the Bayesian loss. Its start:
#   --cfg-options load_from=mmcrowd/zoo/crowd_lite-802ed059.safetensors
_base_ = [
    '../_base_/models/density_efficientnet_lite0.py',
    '../_base_/datasets/shanghaitech_a.py',
    '../_base_/schedules/adamw_fine_tune_12e.py',
    '../_base_/default_runtime.py',
    '../_base_/counting.py',
]
# The loss learns from points: nothing is drawn, heads outside the crop do not matter.
crop = dict(type='mmcrowd.RandomScaleCrop', crop_size=(384, 384), scale_range=(0.75, 1.33), context=0)
train_dataloader = dict(
    batch_size=4, num_workers=1, dataset=dict(pipeline=[*_base_.load, crop, *_base_.vary, _base_.pack])
)
val_evaluator = _base_.counting_evaluator
test_evaluator = _base_.counting_evaluator
default_hooks = dict(checkpoint=dict(interval=4))
