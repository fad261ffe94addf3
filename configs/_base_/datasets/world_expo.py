# WorldExpo'10: 3380 training frames of 103 scenes, 600 test frames of 5 scenes; a tenth of the training scenes chooses
# the checkpoint. Only the region of interest counts: what is outside is painted over. Published figures are the mean of
# the five test scenes' MAE: crowd/mae_scene_avg.
# Expected: data/world_expo/{train,test}_{frame,label,perspective}
_base_ = '../loaders/points.py'

data = dict(type='mmcrowd.WorldExpo10', data_root='data/world_expo/')
load = [dict(type='LoadImageFromFile'), dict(type='mmcrowd.MaskOutsideRoi'), dict(type='mmcrowd.LoadHeads')]
meta_keys = ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor', 'flip', 'scene', 'roi')
test_pipeline = [*load, dict(type='mmcrowd.PackCrowdInputs', drop_outside=False, meta_keys=meta_keys)]

train_dataloader = dict(
    dataset=dict(**data, split='train', subset='train', pipeline=[*load, *_base_.augment, _base_.pack])
)
val_dataloader = dict(dataset=dict(**data, split='train', subset='val', pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(**data, split='test', pipeline=test_pipeline))

val_evaluator = [
    dict(type='mmcrowd.CrowdCountingMetric', group_by=['scene']),
    dict(type='mmcrowd.CrowdLocalizationMetric', radii=[4, 8]),
]
test_evaluator = val_evaluator
