# Mall: frames 1 to 800 train (a tenth of them chooses the checkpoint), 801 to 2000 test, on the whole image.
# Expected: data/mall/mall_dataset/{frames,mall_gt.mat}
_base_ = '../loaders/points.py'

data = dict(type='mmcrowd.Mall', data_root='data/mall/')
train_dataloader = dict(dataset=dict(**data, split='train', subset='train'))
val_dataloader = dict(dataset=dict(**data, split='train', subset='val'))
test_dataloader = dict(dataset=dict(**data, split='test'))
