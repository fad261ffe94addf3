# RAZ-Net on ShanghaiTech A, whole: what its stages have trained, zooming once.
_base_ = ['./_base_/sha.py', './_base_/counts.py']

model = dict(
    zoom_net=dict(backbone=_base_.model.backbone, **_base_.zoom_net),
    fusion=dict(type='mmcrowd.TwoStreamFusion'),
    **_base_.main_net,
)
val_evaluator = _base_.raz_evaluator
test_evaluator = val_evaluator
