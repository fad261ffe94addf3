# UCF-QNRF: 1201 training and 334 test images. The data set has no validation split; 120 of its training images are kept
# back for choosing the checkpoint (the list of the Bayesian loss). The published recipe trains on all 1201: subset=None
# in train_dataloader. Expected: data/ucf_qnrf/UCF-QNRF_ECCV18/{Train,Test}/img_<n>.jpg with img_<n>_ann.mat
# Images are resized as FIDTM does. Predictions are in original pixels, as the ground truth is.
_base_ = '../loaders/points.py'

data = dict(type='mmcrowd.UCFQNRF', data_root='data/ucf_qnrf/', outside='clip')
load = [*_base_.load, dict(type='mmcrowd.ClampSides', max_side=2048, min_side=512)]
augment = [
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(512, 512), scale_range=(0.75, 1.33)),
    dict(type='RandomFlip', prob=0.5),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmcrowd.ClampSides', max_side=2048, min_side=1024),
    dict(type='mmcrowd.LoadHeads'),
    dict(type='mmcrowd.PackCrowdInputs', drop_outside=False),
]

train_dataloader = dict(
    dataset=dict(**data, split='train', subset='train', val_split='bl', pipeline=[*load, *augment, _base_.pack])
)
val_dataloader = dict(dataset=dict(**data, split='train', subset='val', val_split='bl', pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(**data, split='test', pipeline=test_pipeline))

# The mean over the radii 1 to 100 is the data set's own figure: crowd/f1_sweep.
test_evaluator = [
    dict(type='mmcrowd.CrowdCountingMetric'),
    dict(type='mmcrowd.CrowdLocalizationMetric', radii=[4, 8], sweep=True),
]
