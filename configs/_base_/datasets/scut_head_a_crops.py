# As scut_head_a.py, for detectors on a small machine: images at half size, crops of 256 pixels in batches of 8.
_base_ = ['./scut_head_a.py', '../pipelines/detection_crops.py', '../detection_runtime.py']

train_dataloader = dict(batch_size=8, num_workers=1, dataset=dict(pipeline=_base_.detector_train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.detector_test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.detector_test_pipeline))
val_evaluator = _base_.detector_val_evaluator
test_evaluator = _base_.detector_test_evaluator
