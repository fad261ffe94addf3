# fidt_lite on ShanghaiTech A from scratch, for a laptop: under an hour and a half on two CPU cores, one process each:
#   OMP_NUM_THREADS=1 tools/dist_train.sh configs/fidt/fidt-lite_s2d_90min_sha.py 2
# In one process: --cfg-options train_dataloader.batch_size=8
_base_ = [
    '../_base_/models/fidt_lite.py',
    '../_base_/datasets/shanghaitech_a.py',
    '../_base_/schedules/adamw_cosine_100e.py',
    '../_base_/default_runtime.py',
]
train_pipeline = [
    *_base_.load,
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256), scale_range=(0.7, 1.4)),
    *_base_.vary,
    dict(type='mmcrowd.EncodeTargets', codec=_base_.codec),
    _base_.pack,
]
# Eight crops a step on two processes; reading takes a twelfth of the time and needs no process of its own.
train_dataloader = dict(batch_size=4, num_workers=0, persistent_workers=False, dataset=dict(pipeline=train_pipeline))
max_epochs = 500
train_cfg = dict(max_epochs=max_epochs, val_interval=25)
val_cfg = dict(fp16=True)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=300),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, eta_min=1e-6, convert_to_iter_based=True),
]
# The network is meant to localize: the checkpoint of the best F1 on the validation images is the one to test.
default_hooks = dict(checkpoint=dict(interval=25, save_best='crowd/f1_8px'), logger=dict(interval=17))
