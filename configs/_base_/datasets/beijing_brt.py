# Beijing-BRT: 720 training images (a tenth of them chooses the checkpoint) and 560 test images.
# Expected: data/beijing_brt/{train,test}/{frame,ground_truth}
_base_ = './shanghaitech_a.py'

dataset_type = 'mmcrowd.BeijingBRT'
data_root = 'data/beijing_brt/'

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
