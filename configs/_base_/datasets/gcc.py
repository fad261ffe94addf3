# GCC: images of a video game, divided at random; setting='camera' or 'location' divides by camera or place. A tenth of
# the training scenes chooses the checkpoint. Images are reduced to a longer side of 960 pixels, as is usual.
# Expected: data/gcc/txt_list, data/gcc/<scene>/{pngs,mats}
# A config with another target than FIDT writes: _base_.train_dataloader.dataset.pipeline[5].codec = dict(type=...)
_base_ = './shanghaitech_a.py'

dataset_type = 'mmcrowd.GCC'
data_root = 'data/gcc/'

resize = dict(type='mmcrowd.ClampSides', max_side=960)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.LoadHeads'),
    resize,
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256), scale_range=(0.75, 1.33)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmcrowd.EncodeTargets', codec=dict(type='mmcrowd.FIDTCodec')),
    dict(type='mmcrowd.PackCrowdInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    resize,
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.PackCrowdInputs', drop_outside=False),
]

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type=dataset_type,
        data_root=data_root,
        setting='random',
        split='train',
        subset='train',
        pipeline=train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type=dataset_type,
        data_root=data_root,
        setting='random',
        split='train',
        subset='val',
        test_mode=True,
        pipeline=test_pipeline,
    )
)
test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type=dataset_type,
        data_root=data_root,
        setting='random',
        split='test',
        test_mode=True,
        pipeline=test_pipeline,
    )
)
