# As its parent, regions from pseudo boxes: make them with tools/dataset_tools/make_pseudo_boxes.py
# configs/iim/iim_hrnet-w48_1000e_qnrf.py data/pseudo_boxes/qnrf.
_base_ = './iim_hrnet-w48_1000e_qnrf.py'
model = dict(bbox_head=dict(codec=dict(source='box', cap=15)))
pipeline = _base_.train_dataloader.dataset.pipeline
pipeline[3].context = 192
pipeline[5] = dict(
    type='mmcrowd.EncodeTargets',
    codec=dict(type='mmcrowd.InstanceMapCodec', source='box', cap=15),
    pseudo_size=6,
)
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmcrowd.CrowdDataset',
        ann_file='data/pseudo_boxes/qnrf/train.json',
        data_prefix=dict(img_path='data/ucf_qnrf/'),
        pipeline=pipeline,
    )
)
