# All counts of a RAZ-Net in one test: the fused one (crowd/mae), density/mae, points/mae and average/mae.
raz_evaluator = [
    dict(type='mmcrowd.CrowdCountingMetric'),
    *(
        dict(type='mmcrowd.CrowdCountingMetric', count=f'pred_count_{name}', prefix=name)
        for name in ('density', 'points', 'average')
    ),
    dict(type='mmcrowd.CrowdLocalizationMetric', radii=[4, 8]),
]
