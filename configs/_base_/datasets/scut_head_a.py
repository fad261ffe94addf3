# SCUT-HEAD part A: 1500 training and 500 test images; a tenth of the training images chooses the checkpoint.
# The radius of a head comes from its box. Expected: data/scut_head/SCUT_HEAD_Part_A/{JPEGImages,Annotations,ImageSets}
_base_ = './shanghaitech_a.py'

dataset_type = 'mmcrowd.SCUTHead'
data_root = 'data/scut_head/'

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type=dataset_type,
        data_root=data_root,
        part='A',
        split='trainval',
        subset='train',
        pipeline=_base_.train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type=dataset_type,
        data_root=data_root,
        part='A',
        split='trainval',
        subset='val',
        test_mode=True,
        pipeline=_base_.test_pipeline,
    )
)
test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type=dataset_type,
        data_root=data_root,
        part='A',
        split='test',
        test_mode=True,
        pipeline=_base_.test_pipeline,
    )
)

val_evaluator = [
    dict(type='mmcrowd.CrowdCountingMetric'),
    dict(type='mmcrowd.CrowdLocalizationMetric', radii=[], sigma='sl'),
]
test_evaluator = val_evaluator
