# density_lite taught by the points, with the Bayesian loss.
_base_ = './density-lite_s4d_100e_sha.py'
model = dict(
    bbox_head=dict(
        output='abs',
        codec=dict(draws=False),
        losses=dict(_delete_=True, bayesian=dict(type='mmcrowd.BayesianLoss', normalizer='num_heads')),
    )
)
train_dataloader = dict(
    dataset=dict(pipeline=[*_base_.load, _base_.crop, *_base_.vary, _base_.pack]),
)
