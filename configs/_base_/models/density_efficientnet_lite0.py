# The network of fidt_efficientnet_lite0 with a density of stride 2, taught by the points: 3.1 M parameters.
# The weights of crowd_lite fit all but the last layer.
_base_ = './fidt_efficientnet_lite0.py'

codec = dict(type='mmcrowd.DensityCodec', stride=2, draws=False)
model = dict(
    bbox_head=dict(
        _delete_=True,
        type='mmcrowd.DensityHead',
        in_channels=32,
        output='abs',
        codec=codec,
        losses=dict(bayesian=dict(type='mmcrowd.BayesianLoss', normalizer='num_heads')),
    ),
)
