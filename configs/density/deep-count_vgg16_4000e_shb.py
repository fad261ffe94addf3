# DeepCount on ShanghaiTech B: crops of originals, sigma 5 as in the paper.
# An image is counted in tiles, the last ones padded.
_base_ = [
    '../_base_/models/deep_count.py',
    '../_base_/datasets/shanghaitech_b.py',
    '../_base_/schedules/deep_count_4000e.py',
    '../_base_/default_runtime.py',
]
train_dataloader = dict(batch_size=20, dataset=dict(pipeline=[*_base_.load, *_base_.tile_steps, _base_.pack]))
val_evaluator = _base_.counting_evaluator
test_evaluator = _base_.counting_evaluator
default_hooks = dict(checkpoint=dict(interval=25))
