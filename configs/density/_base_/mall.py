# Mall.
_base_ = ['../../_base_/datasets/mall.py', './density.py']
train_dataloader = dict(batch_size=8)
val_evaluator = _base_.counting_evaluator
test_evaluator = _base_.counting_evaluator
