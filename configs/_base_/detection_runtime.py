# As default_runtime.py, for detectors. Scores of differently trained detectors are not comparable: the checkpoint with
# the lowest counting error at its own best score threshold is kept; test at that threshold, too (--score-thr val).
_base_ = './default_runtime.py'

default_hooks = dict(checkpoint=dict(save_best='crowd/best_mae'))
detector_val_evaluator = [
    dict(type='mmcrowd.CrowdCountingMetric', score_thr=0.05, best_mae=True),
    dict(type='mmcrowd.CrowdLocalizationMetric', radii=[], sigma='sl', score_thr=0.05, best_f1='sigma_l'),
]
detector_test_evaluator = [
    dict(type='mmcrowd.CrowdCountingMetric', score_thr=0.3),
    dict(type='mmcrowd.CrowdLocalizationMetric', radii=[], sigma='sl', score_thr=0.3),
]
