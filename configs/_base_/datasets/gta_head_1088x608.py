# As gta_head.py, for detectors: whole images of 1088 x 608 pixels, batches of 8.
_base_ = ['./gta_head.py', '../pipelines/detection_1088x608.py', '../detection_runtime.py']

train_dataloader = dict(batch_size=8, dataset=dict(pipeline=_base_.detector_train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.detector_test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.detector_test_pipeline))
val_evaluator = _base_.detector_val_evaluator
test_evaluator = _base_.detector_test_evaluator
