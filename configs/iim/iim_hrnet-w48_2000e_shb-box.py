# As its parent, regions from pseudo boxes: make them with tools/dataset_tools/make_pseudo_boxes.py
# configs/iim/iim_hrnet-w48_2000e_shb.py data/pseudo_boxes/shb.
_base_ = './iim_hrnet-w48_2000e_shb.py'
model = dict(bbox_head=dict(codec=dict(source='box', min_half=1, third_gap=None)))
pipeline = _base_.train_dataloader.dataset.pipeline
pipeline[3].context = 192
pipeline[5] = dict(
    type='mmcrowd.EncodeTargets',
    codec=dict(type='mmcrowd.InstanceMapCodec', source='box', min_half=1, third_gap=None),
    pseudo_size=6,
)
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmcrowd.CrowdDataset',
        ann_file='data/pseudo_boxes/shb/train.json',
        data_prefix=dict(img_path='data/shanghaitech/'),
        pipeline=pipeline,
    )
)
