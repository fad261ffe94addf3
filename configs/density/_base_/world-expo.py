# WorldExpo'10, inside the region of interest; what counts is the mean of the test scenes.
_base_ = ['../../_base_/datasets/world_expo.py', './density.py']
train_dataloader = dict(batch_size=8)
val_evaluator = [dict(type='mmcrowd.CrowdCountingMetric', group_by=['scene']), dict(type='mmcrowd.GAMEMetric', level=3)]
test_evaluator = val_evaluator
