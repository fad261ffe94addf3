# fidt_efficientnet_lite0 with a density beside its peaks, taught by the points: 3.1 M parameters. The density
# says how many. crowd_lite's weights fit all but the density's 1x1 convolution.
_base_ = './fidt_efficientnet_lite0.py'

# Peaks from 0.1 on may be heads; how many of them are, density and peaks from 0.26 on say together. Chosen on
# validation images of streets, classrooms and rendered places without people.
codec = dict(
    _delete_=True,
    type='mmcrowd.CountedPointsCodec',
    points=dict(type='mmcrowd.FIDTCodec', stride=2, relative=False, threshold=0.1),
    density=dict(type='mmcrowd.DensityCodec', stride=2, draws=False),
    threshold=0.26,
)
model = dict(
    bbox_head=dict(
        type='mmcrowd.CountedFIDTHead',
        codec=codec,
        density=dict(
            type='mmcrowd.DensityHead',
            output='abs',
            losses=dict(bayesian=dict(type='mmcrowd.BayesianLoss', normalizer='num_heads', loss_weight=0.5)),
        ),
    ),
)
