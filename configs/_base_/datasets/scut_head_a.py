# SCUT-HEAD part A: 1500 training and 500 test images; a tenth of the training images chooses the checkpoint.
# The radius of a head comes from its box. Expected: data/scut_head/SCUT_HEAD_Part_A/{JPEGImages,Annotations,ImageSets}
_base_ = '../loaders/boxes.py'

data = dict(type='mmcrowd.SCUTHead', data_root='data/scut_head/', part='A')
train_dataloader = dict(dataset=dict(**data, split='trainval', subset='train'))
val_dataloader = dict(dataset=dict(**data, split='trainval', subset='val'))
test_dataloader = dict(dataset=dict(**data, split='test'))
