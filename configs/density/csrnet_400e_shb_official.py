# CSRNet on ShanghaiTech B as its authors trained it: sigma 15 for all heads.
_base_ = './csrnet_400e_sha_official.py'
codec = dict(beta=None)
model = dict(bbox_head=dict(codec=codec))
fixed = dict(_base_.codec, beta=None)
train_pipeline = [*_base_.load, dict(type='mmcrowd.EncodeTargets', codec=fixed), _base_.pack]
train_dataloader = dict(dataset=dict(dataset=dict(part='B', pipeline=train_pipeline)))
val_dataloader = dict(dataset=dict(part='B'))
test_dataloader = dict(dataset=dict(part='B'))
