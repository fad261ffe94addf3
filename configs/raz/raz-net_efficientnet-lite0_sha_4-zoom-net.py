# A compact RAZ-Net on ShanghaiTech A, stage 4: the network that looks again, on regions that Main-Net proposed:
#   --cfg-options regions=FILE
_base_ = './_base_/sha_compact.py'

model = dict(**_base_.zoom_net)
regions = 'work_dirs/raz-net_efficientnet-lite0_sha/regions.json'
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            *_base_.load,
            dict(type='mmcrowd.CropRegion', regions=regions),
            _base_.crop,
            *_base_.vary,
            *_base_.targets,
            _base_.pack,
        ]
    )
)
