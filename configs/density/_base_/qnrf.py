# UCF-QNRF: sigma follows the distance to the nearest heads.
_base_ = ['../../_base_/datasets/ucf_qnrf.py', './density.py']
codec = dict(_base_.codec, sigma=15, beta=0.3)
crop = dict(_base_.crop, crop_size=(512, 512))
draw = [
    dict(type='mmcrowd.MeasureSpacing', codec=codec),
    crop,
    _base_.flip,
    dict(type='mmcrowd.EncodeTargets', codec=codec),
]
train_dataloader = dict(batch_size=8)
val_evaluator = _base_.counting_evaluator
test_evaluator = _base_.counting_evaluator
