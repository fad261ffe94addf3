# As gta_head.py, for detectors: whole images of 1088 x 608 pixels, batches of 8.
_base_ = ['./gta_head.py', '../pipelines/detection_1088x608.py']

train_dataloader = dict(batch_size=8, dataset=dict(pipeline=_base_.box_train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.resized_test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.resized_test_pipeline))

# Scores of differently trained detectors are not comparable: checkpoints are chosen at the best threshold of each.
val_evaluator = [
    dict(type='mmcrowd.CrowdCountingMetric', score_thr=0.05, best_mae=True),
    dict(type='mmcrowd.CrowdLocalizationMetric', radii=[], sigma='sl', score_thr=0.05, best_f1='sigma_l'),
]
test_evaluator = [
    dict(type='mmcrowd.CrowdCountingMetric', score_thr=0.3),
    dict(type='mmcrowd.CrowdLocalizationMetric', radii=[], sigma='sl', score_thr=0.3),
]
