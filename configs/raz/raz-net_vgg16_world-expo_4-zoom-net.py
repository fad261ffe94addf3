# RAZ-Net on WorldExpo'10, stage 4: the network that looks again, on regions that Main-Net proposed:
#   --cfg-options regions=FILE
_base_ = './_base_/world-expo.py'

model = dict(**_base_.zoom_net)
regions = 'work_dirs/raz-net_vgg16_world-expo/regions.json'
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            *_base_.load,
            dict(type='mmcrowd.CropRegion', regions=regions),
            *_base_.crop,
            *_base_.targets[1:],
            _base_.pack,
        ]
    )
)
