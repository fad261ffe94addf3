# WorldExpo'10 for the stages of RAZ-Net. Its fused count is that of a whole image, so the image is painted over outside
# the region of interest, and the region itself is not handed on: all that is counted counts.
_base_ = ['./stage.py', '../../_base_/datasets/world_expo.py']

whole = dict(
    type='mmcrowd.PackCrowdInputs',
    drop_outside=False,
    meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor', 'flip', 'scene'),
)
test_pipeline = [*_base_.load, whole]
train_dataloader = dict(
    batch_size=8,
    dataset=dict(pipeline=[*_base_.load, _base_.spacing, *_base_.crop, *_base_.targets, _base_.pack]),
)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
