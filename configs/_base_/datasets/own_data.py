# Your own pictures, annotated in mmcrowd's own format and divided by tools/dataset_tools/make_split.py; see
# docs/en/user_guides/own_data.md. Other formats are read as they are: format='coco', ann_file='coco.json'.
# Expected: data/mine/{train,val,test}.json, data/mine/images
# A config with another target than FIDT writes: _base_.train_dataloader.dataset.pipeline[4].codec = dict(type=...)
_base_ = './shanghaitech_a.py'

dataset_type = 'mmcrowd.CustomCrowd'
data_root = 'data/mine/'

train_dataloader = dict(
    batch_size=8,
    dataset=dict(
        _delete_=True,
        type=dataset_type,
        data_root=data_root,
        ann_file='train.json',
        img_folder='images',
        format='json',
        pipeline=_base_.train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type=dataset_type,
        data_root=data_root,
        ann_file='val.json',
        img_folder='images',
        format='json',
        test_mode=True,
        pipeline=_base_.test_pipeline,
    )
)
test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type=dataset_type,
        data_root=data_root,
        ann_file='test.json',
        img_folder='images',
        format='json',
        test_mode=True,
        pipeline=_base_.test_pipeline,
    )
)
