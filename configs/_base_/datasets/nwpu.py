# NWPU-Crowd: 3109 training, 500 validation and 1500 test images, 351 of them without a head. The annotations of the
# test images are not public, so testing runs on the validation images too; for a submission set split='test' in
# test_dataloader and remove the evaluators.
# Expected: data/nwpu/{images_part1..5 or images}/<n>.jpg, data/nwpu/jsons/<n>.json, data/nwpu/{train,val,test}.txt
# Longer sides are brought down to 2048 pixels. Predictions are in original pixels, as the ground truth is.
# A config with another target than FIDT writes: _base_.train_dataloader.dataset.pipeline[5].codec = dict(type=...)
dataset_type = 'mmcrowd.NWPUCrowd'
data_root = 'data/nwpu/'

resize = dict(type='mmcrowd.ClampSides', max_side=2048, min_side=512)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.LoadHeads'),
    resize,
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(512, 512), scale_range=(0.75, 1.33)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmcrowd.EncodeTargets', codec=dict(type='mmcrowd.FIDTCodec')),
    dict(type='mmcrowd.PackCrowdInputs'),
]
meta_keys = ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor', 'flip', 'luminance')
test_pipeline = [
    dict(type='LoadImageFromFile'),
    resize,
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.PackCrowdInputs', drop_outside=False, meta_keys=meta_keys),
]

train_dataloader = dict(
    batch_size=16,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='mmcrowd.SeededSampler', shuffle=True),
    dataset=dict(type=dataset_type, data_root=data_root, split='train', outside='drop', pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type=dataset_type, data_root=data_root, split='val', test_mode=True, pipeline=test_pipeline),
)
test_dataloader = val_dataloader

# The radius of a head is half the diagonal of its box (sigma_l, the headline figure) or half its shorter side.
val_evaluator = [
    dict(type='mmcrowd.CrowdCountingMetric', group_by=['scene_level', 'luminance']),
    dict(type='mmcrowd.CrowdLocalizationMetric', radii=[], sigma='sl', levels=True),
]
test_evaluator = val_evaluator
