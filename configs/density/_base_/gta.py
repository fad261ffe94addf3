# GTA_Head.
_base_ = ['../../_base_/datasets/gta_head.py', './density.py']
crop = dict(_base_.crop, crop_size=(512, 512))
draw = [crop, *_base_.draw[1:]]
train_dataloader = dict(batch_size=8)
val_evaluator = _base_.counting_evaluator
test_evaluator = _base_.counting_evaluator
