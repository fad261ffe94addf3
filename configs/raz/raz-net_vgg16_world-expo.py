# RAZ-Net on WorldExpo'10, whole: what its stages have trained, zooming once.
_base_ = ['./_base_/world-expo.py', './_base_/counts.py']

model = dict(
    zoom_net=dict(backbone=_base_.model.backbone, **_base_.zoom_net),
    fusion=dict(type='mmcrowd.TwoStreamFusion'),
    **_base_.main_net,
)
# Published figures are the mean of the scenes' MAE: crowd/mae_scene_avg.
val_evaluator = [dict(type='mmcrowd.CrowdCountingMetric', group_by=['scene']), *_base_.raz_evaluator[1:]]
test_evaluator = val_evaluator
