# ShanghaiTech part B: 400 training and 316 test images; 40 of the training images are kept back for choosing the
# checkpoint. Expected: data/shanghaitech/part_B[_final]/{train_data,test_data}/{images,ground-truth|ground_truth}
_base_ = './shanghaitech_a.py'

train_dataloader = dict(dataset=dict(part='B'))
val_dataloader = dict(dataset=dict(part='B'))
test_dataloader = dict(dataset=dict(part='B'))
