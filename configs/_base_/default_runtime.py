default_scope = 'mmdet'
custom_imports = dict(imports=['mmcrowd'], allow_failed_imports=False)
runner_type = 'mmcrowd.CrowdRunner'  # mmdet's tools then read weights as safely as mmcrowd's

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    # With mmengine's own CheckpointHook, `rule='less'` must be given here: it does not know what "mae" means.
    checkpoint=dict(type='mmcrowd.CrowdCheckpointHook', interval=1, max_keep_ckpts=2, save_best='crowd/mae'),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='mmcrowd.CrowdVisualizationHook'),
    epoch_seed=dict(type='mmcrowd.EpochSeedHook'),
    finite_loss=dict(type='mmcrowd.NonFiniteLossHook'),
    classes=dict(type='mmcrowd.ClassCheckHook'),
)

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)
randomness = dict(seed=0)

vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='mmcrowd.CrowdLocalVisualizer', vis_backends=vis_backends, name='visualizer')
log_processor = dict(type='LogProcessor', window_size=50, by_epoch=True)
log_level = 'INFO'
load_from = None
resume = False
