# UCF_CC_50: 50 images, 5 folds; this is fold 0. Run five times with fold=0 to 4 in all three loaders and report the
# mean of each figure. The images of the fold are tested; a tenth of the others chooses the checkpoint.
# Expected: data/ucf_cc_50/UCF_CC_50/<n>.jpg with <n>_ann.mat
_base_ = '../loaders/points.py'

data = dict(type='mmcrowd.UCFCC50', data_root='data/ucf_cc_50/', fold=0, folds='sequential')
train_dataloader = dict(dataset=dict(**data, split='train', subset='train'))
val_dataloader = dict(dataset=dict(**data, split='train', subset='val'))
test_dataloader = dict(dataset=dict(**data, split='test'))
