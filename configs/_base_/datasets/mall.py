# Mall: frames 1 to 800 train (a tenth of them chooses the checkpoint), 801 to 2000 test, on the whole image.
# Expected: data/mall/mall_dataset/{frames,mall_gt.mat}
_base_ = './shanghaitech_a.py'

dataset_type = 'mmcrowd.Mall'
data_root = 'data/mall/'

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type=dataset_type,
        data_root=data_root,
        split='train',
        subset='train',
        pipeline=_base_.train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type=dataset_type,
        data_root=data_root,
        split='train',
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
        split='test',
        test_mode=True,
        pipeline=_base_.test_pipeline,
    )
)
