# TRANCOS: vehicles; 403 training, 420 validation and 421 test images. Only the region of interest counts: what is
# outside is painted over. Expected: data/trancos/TRANCOS_v3/{images,image_sets}
# A config with another target than FIDT writes: _base_.train_dataloader.dataset.pipeline[5].codec = dict(type=...)
_base_ = './shanghaitech_a.py'

dataset_type = 'mmcrowd.TRANCOS'
data_root = 'data/trancos/'

mask = dict(type='mmcrowd.MaskOutsideRoi')
train_pipeline = [
    dict(type='LoadImageFromFile'),
    mask,
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256), scale_range=(0.75, 1.33)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmcrowd.EncodeTargets', codec=dict(type='mmcrowd.FIDTCodec')),
    dict(type='mmcrowd.PackCrowdInputs'),
]
meta_keys = ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor', 'flip', 'roi')
test_pipeline = [
    dict(type='LoadImageFromFile'),
    mask,
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.PackCrowdInputs', drop_outside=False, meta_keys=meta_keys),
]

train_dataloader = dict(
    dataset=dict(_delete_=True, type=dataset_type, data_root=data_root, split='train', pipeline=train_pipeline)
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True, type=dataset_type, data_root=data_root, split='val', test_mode=True, pipeline=test_pipeline
    )
)
test_dataloader = dict(
    dataset=dict(
        _delete_=True, type=dataset_type, data_root=data_root, split='test', test_mode=True, pipeline=test_pipeline
    )
)

val_evaluator = [
    dict(type='mmcrowd.CrowdCountingMetric'),
    dict(type='mmcrowd.GAMEMetric', level=3),
]
test_evaluator = val_evaluator
