# Beijing-BRT: 720 training images (a tenth of them chooses the checkpoint) and 560 test images.
# Expected: data/beijing_brt/{train,test}/{frame,ground_truth}
_base_ = '../loaders/points.py'

data = dict(type='mmcrowd.BeijingBRT', data_root='data/beijing_brt/')
train_dataloader = dict(dataset=dict(**data, split='train', subset='train'))
val_dataloader = dict(dataset=dict(**data, split='train', subset='val'))
test_dataloader = dict(dataset=dict(**data, split='test'))
