# The same weights, read as points: as many heads as are counted, placed by optimal transport.
_base_ = './density-bl_efficientnet-lite0_s2d_32e-mixed-12e_sha.py'

model = dict(bbox_head=dict(codec=dict(locates=True)))
val_evaluator = [*_base_.counting_evaluator, dict(type='mmcrowd.CrowdLocalizationMetric', radii=(4, 8))]
test_evaluator = val_evaluator
