# CANNet as released: quadrants in training and in prediction, each with its own context, their counts added up; Adam at
# 1e-4 on the sum of the squares, batches of 26. One difference: a crop of a quadrant's size lies anywhere, not in one
# of four places.
_base_ = './cannet_1000e_shb.py'
codec = dict(_base_.codec, border='lose')
model = dict(
    bbox_head=dict(codec=codec, losses=dict(map=dict(normalizer='sum'))),
    test_cfg=dict(mode='tile', grid=(2, 2), halo=0),
)
train_pipeline = [
    *_base_.load,
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(512, 384)),
    dict(type='RandomFlip', prob=0.2),
    dict(type='mmcrowd.EncodeTargets', codec=codec),
    _base_.pack,
]
train_dataloader = dict(batch_size=26, dataset=dict(pipeline=train_pipeline))
optim_wrapper = dict(optimizer=dict(lr=1e-4, weight_decay=5e-4))
