# As points.py, for heads with boxes: the radius of a head comes from its box.
_base_ = './points.py'

val_evaluator = [
    dict(type='mmcrowd.CrowdCountingMetric'),
    dict(type='mmcrowd.CrowdLocalizationMetric', radii=[], sigma='sl'),
]
test_evaluator = val_evaluator
