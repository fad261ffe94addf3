# Dense streets, classrooms, rendered crowds and rendered places without people, in crops of 256 pixels: 2,400 an epoch,
# two thirds of them of ShanghaiTech part A. Validation and test are those of ShanghaiTech A.
_base_ = './shanghaitech_a.py'

codec = dict(type='mmcrowd.FIDTCodec', stride=2)
after_crop = [
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmcrowd.EncodeTargets', codec=codec),
    dict(type='PhotoMetricDistortion', brightness_delta=24, contrast_range=(0.75, 1.25), hue_delta=9),
    dict(type='RandomGrayscale', prob=0.1, keep_channels=True),
    dict(type='mmcrowd.PackCrowdInputs'),
]
street_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256), scale_range=(0.7, 1.4)),
    *after_crop,
]
classroom_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256), scale_range=(0.35, 1.2)),
    *after_crop,
]
rendered_pipeline = [
    dict(type='mmcrowd.LoadSynthetic'),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256), scale_range=(0.7, 1.4)),
    *after_crop,
]
street = dict(
    type='mmcrowd.ShanghaiTech',
    data_root='data/shanghaitech/',
    part='A',
    split='train',
    subset='train',
    val_split=0.1,
    pipeline=street_pipeline,
)
classroom = dict(
    type='mmcrowd.SCUTHead',
    data_root='data/scut_head/',
    part='A',
    split='trainval',
    subset='train',
    val_split=0.1,
    pipeline=classroom_pipeline,
)
rendered = dict(
    type='mmcrowd.SyntheticCrowd',
    length=240,
    size=(384, 320),
    heads=(5, 250),
    min_head=5,
    max_head=40,
    negative_fraction=0.4,
    seed=1,
    pipeline=rendered_pipeline,
)
train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        ignore_keys='revision',
        datasets=[dict(type='RepeatDataset', times=6, dataset=street), classroom, rendered],
    ),
)
