# As the 24 epochs, for twice as long: half an hour of one CPU core with bfloat16. Its start:
#   --cfg-options load_from=mmcrowd/zoo/crowd_lite-802ed059.safetensors
# Read as published (a threshold relative to the map's maximum), with nothing chosen.
_base_ = './fidt_efficientnet-lite0_s2d_32e-mixed-24e_sha.py'

model = dict(bbox_head=dict(codec=dict(relative=True, threshold=100 / 255)))
optim_wrapper = dict(optimizer=dict(lr=4e-4))
max_epochs = 48
train_cfg = dict(max_epochs=max_epochs, val_interval=16)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, eta_min=1e-6, convert_to_iter_based=True),
]
