# The Bayesian loss on Mall: points teach, no map is drawn.
_base_ = ['../_base_/models/bl_vgg19.py', './_base_/mall.py']
codec = dict(_delete_=True, type='mmcrowd.DensityCodec', draws=False)
crop = dict(type='mmcrowd.RandomScaleCrop', crop_size=(256, 256))
train_dataloader = dict(dataset=dict(pipeline=[*_base_.load, crop, _base_.flip, _base_.pack]))
