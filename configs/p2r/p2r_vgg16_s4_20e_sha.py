# P2R behind VGG-16 beside FIDT at the same budget: fidt/fidt_vgg16_s2_20e_sha.py.
_base_ = [
    '../_base_/models/p2r_vgg16.py',
    '../_base_/datasets/shanghaitech_a.py',
    '../_base_/schedules/adamw_fine_tune_20e.py',
    '../_base_/default_runtime.py',
]
# The threshold was chosen by F1 on the validation images.
model = dict(bbox_head=dict(codec=dict(threshold=0.52)))
train_pipeline = [
    *_base_.load,
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256), scale_range=(0.7, 1.4), context=0),
    *_base_.vary,
    _base_.pack,
]
train_dataloader = dict(batch_size=8, num_workers=1, dataset=dict(pipeline=train_pipeline))
default_hooks = dict(checkpoint=dict(interval=2, save_best='crowd/f1_8px'))
