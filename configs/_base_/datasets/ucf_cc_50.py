# UCF_CC_50: 50 images, 5 folds; this is fold 0. Run five times with fold=0 to 4 in all three loaders and report the
# mean of MAE and of RMSE. The images of the fold are tested; a tenth of the others chooses the checkpoint.
# Expected: data/ucf_cc_50/UCF_CC_50/<n>.jpg with <n>_ann.mat
_base_ = './shanghaitech_a.py'

dataset_type = 'mmcrowd.UCFCC50'
data_root = 'data/ucf_cc_50/'

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type=dataset_type,
        data_root=data_root,
        fold=0,
        folds='sequential',
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
        fold=0,
        folds='sequential',
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
        fold=0,
        folds='sequential',
        split='test',
        test_mode=True,
        pipeline=_base_.test_pipeline,
    )
)
