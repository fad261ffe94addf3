# ShanghaiTech part A: 300 training and 182 test images. The data set has no validation split; 30 of its training images
# are kept back for choosing the checkpoint. The published recipe trains on all 300: subset=None in train_dataloader.
# Expected: data/shanghaitech/part_A[_final]/{train_data,test_data}/{images,ground-truth|ground_truth}
_base_ = '../loaders/points.py'

data = dict(type='mmcrowd.ShanghaiTech', data_root='data/shanghaitech/', part='A')
train_dataloader = dict(dataset=dict(**data, split='train', subset='train', val_split=0.1))
val_dataloader = dict(dataset=dict(**data, split='train', subset='val', val_split=0.1))
test_dataloader = dict(dataset=dict(**data, split='test'))
