# Loaders and evaluators of photographs whose heads are annotated by points. A data set says its type, root and splits,
# and its own `load` and `test_pipeline` where images are resized. A config of a method whose target is drawn says
#   train_dataloader = dict(dataset=dict(pipeline=[
#       *_base_.load, *_base_.augment, dict(type='mmcrowd.EncodeTargets', codec=_base_.codec), _base_.pack]))
load = [dict(type='LoadImageFromFile'), dict(type='mmcrowd.LoadHeads')]
augment = [
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256), scale_range=(0.75, 1.33)),
    dict(type='RandomFlip', prob=0.5),
]
# For methods that learn a few hundred photographs by heart otherwise.
vary = [
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion', brightness_delta=24, contrast_range=(0.75, 1.25), hue_delta=9),
    dict(type='RandomGrayscale', prob=0.1, keep_channels=True),
]
pack = dict(type='mmcrowd.PackCrowdInputs')
test_pipeline = [*load, dict(type='mmcrowd.PackCrowdInputs', drop_outside=False)]

# Workers stay alive between epochs: an epoch of crops takes seconds, and starting workers would take as long. Samples
# do not depend on it, because SeededSampler gives each its own seed.
train_dataloader = dict(
    batch_size=16,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='mmcrowd.SeededSampler', shuffle=True),
    dataset=dict(pipeline=[*load, *augment, pack]),
)
# One image at a time: the sizes differ, and padding to the largest would cost more than batching saves.
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(test_mode=True, pipeline=test_pipeline),
)
test_dataloader = val_dataloader

val_evaluator = [
    dict(type='mmcrowd.CrowdCountingMetric'),
    dict(type='mmcrowd.CrowdLocalizationMetric', radii=[4, 8]),
]
test_evaluator = val_evaluator
