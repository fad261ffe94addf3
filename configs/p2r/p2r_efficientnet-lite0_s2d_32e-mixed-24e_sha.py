# P2R on crowd_lite's body, beside FIDT at the same budget: fidt/fidt_efficientnet-lite0_s2d_32e-mixed-24e_sha.py.
#   --cfg-options load_from=mmcrowd/zoo/crowd_lite-802ed059.safetensors
_base_ = [
    '../_base_/models/p2r_efficientnet_lite0.py',
    '../_base_/datasets/shanghaitech_a.py',
    '../_base_/schedules/adamw_fine_tune_24e.py',
    '../_base_/default_runtime.py',
]
# The published weight of a head's cell, 2, is that of stride 4, where heads are a four times larger part of the cells:
# with 2 the network found no head within eight epochs. The threshold was chosen by F1 on the validation images.
model = dict(
    bbox_head=dict(losses=dict(p2r=dict(positive_weight=8.0)), codec=dict(threshold=0.6)), test_cfg=dict(mirror=True)
)
# The loss learns from points: nothing is drawn, heads outside the crop do not matter.
crop = dict(type='mmcrowd.RandomScaleCrop', crop_size=(384, 384), scale_range=(0.75, 1.33), context=0)
train_dataloader = dict(
    batch_size=4, num_workers=1, dataset=dict(pipeline=[*_base_.load, crop, *_base_.vary, _base_.pack])
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
default_hooks = dict(checkpoint=dict(interval=4, save_best='crowd/f1_8px'))
