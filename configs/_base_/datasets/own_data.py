# Your own pictures, annotated in mmcrowd's own format and divided by tools/dataset_tools/make_split.py; see
# docs/en/user_guides/own_data.md. Other formats are read as they are: format='coco', ann_file='coco.json'.
# Expected: data/mine/{train,val,test}.json, data/mine/images
_base_ = '../loaders/points.py'

data = dict(type='mmcrowd.CustomCrowd', data_root='data/mine/', img_folder='images', format='json')
train_dataloader = dict(batch_size=8, dataset=dict(**data, ann_file='train.json'))
val_dataloader = dict(dataset=dict(**data, ann_file='val.json'))
test_dataloader = dict(dataset=dict(**data, ann_file='test.json'))
