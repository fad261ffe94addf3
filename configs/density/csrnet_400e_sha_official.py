# CSRNet as its authors trained it: whole images one by one, four times an epoch and unchanged, SGD at 1e-7 on the sum
# of the squares, densities that lose what is beyond the image. Two differences: the target is summed up in cells, where
# theirs is resized by a bicubic filter, and images are kept back to choose the checkpoint.
_base_ = './csrnet_1000e_sha.py'
codec = dict(_base_.codec, border='lose')
model = dict(bbox_head=dict(codec=codec, losses=dict(map=dict(normalizer='sum'))))
train_pipeline = [
    *_base_.load,
    dict(type='mmcrowd.MeasureSpacing', codec=codec),
    dict(type='mmcrowd.EncodeTargets', codec=codec),
    _base_.pack,
]
images = dict(_base_.train_dataloader.dataset, pipeline=train_pipeline)
train_dataloader = dict(batch_size=1, dataset=dict(_delete_=True, type='RepeatDataset', times=4, dataset=images))
optim_wrapper = dict(optimizer=dict(_delete_=True, type='SGD', lr=1e-7, momentum=0.95, weight_decay=5e-4))
train_cfg = dict(max_epochs=400, val_begin=1, val_interval=1)
