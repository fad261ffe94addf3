# Evaluators of models that count without points; a config says
#   val_evaluator = _base_.counting_evaluator
counting_evaluator = [dict(type='mmcrowd.CrowdCountingMetric'), dict(type='mmcrowd.GAMEMetric', level=3)]
