# NWPU-Crowd: 3109 training, 500 validation and 1500 test images, 351 of them without a head. The annotations of the
# test images are not public, so testing runs on the validation images too; for a submission set split='test' in
# test_dataloader and remove the evaluators.
# Expected: data/nwpu/{images_part1..5 or images}/<n>.jpg, data/nwpu/jsons/<n>.json, data/nwpu/{train,val,test}.txt
# Longer sides are brought down to 2048 pixels. Predictions are in original pixels, as the ground truth is.
_base_ = '../loaders/points.py'

data = dict(type='mmcrowd.NWPUCrowd', data_root='data/nwpu/')
resize = dict(type='mmcrowd.ClampSides', max_side=2048, min_side=512)
load = [*_base_.load, resize]
augment = [
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(512, 512), scale_range=(0.75, 1.33)),
    dict(type='RandomFlip', prob=0.5),
]
meta_keys = ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor', 'flip', 'luminance')
test_pipeline = [
    dict(type='LoadImageFromFile'),
    resize,
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.PackCrowdInputs', drop_outside=False, meta_keys=meta_keys),
]

train_dataloader = dict(dataset=dict(**data, split='train', outside='drop', pipeline=[*load, *augment, _base_.pack]))
val_dataloader = dict(dataset=dict(**data, split='val', pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(**data, split='val', pipeline=test_pipeline))

# The radius of a head is half the diagonal of its box (sigma_l, the headline figure) or half its shorter side.
val_evaluator = [
    dict(type='mmcrowd.CrowdCountingMetric', group_by=['scene_level', 'luminance']),
    dict(type='mmcrowd.CrowdLocalizationMetric', radii=[], sigma='sl', levels=True),
]
test_evaluator = val_evaluator
