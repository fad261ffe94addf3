# FIDT behind VGG-16, a budget of one CPU core: 680 steps of 8 crops of 256 pixels.
# Weights from a file: --cfg-options model.backbone.init_cfg.checkpoint=PATH
_base_ = [
    '../_base_/models/fidt_vgg16.py',
    '../_base_/datasets/shanghaitech_a.py',
    '../_base_/schedules/adamw_fine_tune_20e.py',
    '../_base_/default_runtime.py',
]
# One threshold for all images, chosen by F1 on the validation images.
model = dict(bbox_head=dict(codec=dict(relative=False, threshold=0.26)))
train_pipeline = [
    *_base_.load,
    dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256), scale_range=(0.7, 1.4)),
    *_base_.vary,
    dict(type='mmcrowd.EncodeTargets', codec=_base_.codec),
    _base_.pack,
]
train_dataloader = dict(batch_size=8, num_workers=1, dataset=dict(pipeline=train_pipeline))
default_hooks = dict(checkpoint=dict(interval=2, save_best='crowd/f1_8px'))
