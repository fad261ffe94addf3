# TRANCOS: vehicles; 403 training, 420 validation and 421 test images. Only the region of interest counts: what is
# outside is painted over. Expected: data/trancos/TRANCOS_v3/{images,image_sets}
_base_ = '../loaders/points.py'

data = dict(type='mmcrowd.TRANCOS', data_root='data/trancos/')
load = [dict(type='LoadImageFromFile'), dict(type='mmcrowd.MaskOutsideRoi'), dict(type='mmcrowd.LoadHeads')]
meta_keys = ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor', 'flip', 'roi')
test_pipeline = [*load, dict(type='mmcrowd.PackCrowdInputs', drop_outside=False, meta_keys=meta_keys)]

train_dataloader = dict(dataset=dict(**data, split='train', pipeline=[*load, *_base_.augment, _base_.pack]))
val_dataloader = dict(dataset=dict(**data, split='val', pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(**data, split='test', pipeline=test_pipeline))

val_evaluator = [
    dict(type='mmcrowd.CrowdCountingMetric'),
    dict(type='mmcrowd.GAMEMetric', level=3),
]
test_evaluator = val_evaluator
