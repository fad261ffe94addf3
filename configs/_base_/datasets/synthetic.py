# Synthetic crowds, painted while training: nothing to download. Other seeds give other people in other places, so the
# validation and test crowds are unseen. Heads are mostly 6 to 30 pixels high; every tenth picture shows nobody.
_base_ = '../loaders/points.py'

data = dict(
    type='mmcrowd.SyntheticCrowd', size=(320, 256), heads=(5, 120), min_head=6, max_head=30, negative_fraction=0.1
)
load = [dict(type='mmcrowd.LoadSynthetic'), dict(type='mmcrowd.LoadHeads')]
augment = [dict(type='RandomFlip', prob=0.5)]
test_pipeline = [*load, dict(type='mmcrowd.PackCrowdInputs', drop_outside=False)]

train_dataloader = dict(
    batch_size=8, num_workers=1, dataset=dict(**data, length=800, seed=1, pipeline=[*load, *augment, _base_.pack])
)
val_dataloader = dict(persistent_workers=True, dataset=dict(**data, length=40, seed=2, pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(**data, length=100, seed=3, pipeline=test_pipeline))
