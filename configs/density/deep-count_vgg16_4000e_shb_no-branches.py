# Ablation (table 9): the same backbone without branches; branches=(2, 3, 4, 5) leaves out the finest only, and so on.
_base_ = './deep-count_vgg16_4000e_shb.py'
model = dict(bbox_head=dict(branches=(), codec=dict(counts=())))
val_evaluator = [dict(type='mmcrowd.CrowdCountingMetric'), dict(type='mmcrowd.GAMEMetric', level=3)]
test_evaluator = val_evaluator
