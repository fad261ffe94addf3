# As sha.py, regions from pseudo boxes: make them with tools/dataset_tools/make_pseudo_boxes.py
# configs/iim/iim_vgg16_1000e_sha.py data/pseudo_boxes/sha.
_base_ = './sha.py'

codec = dict(type='mmcrowd.InstanceMapCodec', source='box', min_half=1, overlap_correction=False, third_gap=None)
train_pipeline = [
    *_base_.load,
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(1024, 512), scale_range=(0.8, 1.2), context=192),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmcrowd.EncodeTargets', codec=codec, pseudo_size=6),
    _base_.pack,
]
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmcrowd.CrowdDataset',
        ann_file='data/pseudo_boxes/sha/train.json',
        data_prefix=dict(img_path='data/shanghaitech/'),
        pipeline=train_pipeline,
    )
)
