# ShanghaiTech B: sigma 15, as CSRNet.
_base_ = ['../../_base_/datasets/shanghaitech_b.py', './density.py']
codec = dict(_base_.codec, sigma=15)
crop = dict(_base_.crop, crop_size=(512, 512))
draw = [crop, _base_.flip, dict(type='mmcrowd.EncodeTargets', codec=codec)]
train_dataloader = dict(batch_size=8)
val_evaluator = _base_.counting_evaluator
test_evaluator = _base_.counting_evaluator
