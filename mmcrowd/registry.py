"""Registries of mmcrowd.

Every node is a child of the mmdet node of the same name, with scope ``mmcrowd``. A config that writes
``type='mmcrowd.X'`` therefore works under ``default_scope='mmdet'`` as well as ``default_scope='mmcrowd'``, and
everything mmdet or mmengine registers stays reachable from here. A registry imports what it holds, and mmdet's parts,
when it is first asked for something.
"""

from mmdet import registry as _mmdet
from mmengine.config.utils import MODULE2PACKAGE
from mmengine.registry import Registry

# mmengine reads ``_base_ = 'mmcrowd::...'`` and ``get_config('mmcrowd::...')`` of packages in this list only.
MODULE2PACKAGE.setdefault('mmcrowd', 'mmcrowd')

_LOCATIONS = {
    'RUNNERS': ['mmcrowd.engine'],
    'HOOKS': ['mmcrowd.engine'],
    'DATASETS': ['mmcrowd.datasets'],
    'DATA_SAMPLERS': ['mmcrowd.datasets'],
    'TRANSFORMS': ['mmcrowd.datasets'],
    'MODELS': ['mmcrowd.models'],
    'OPTIM_WRAPPERS': ['mmcrowd.engine'],
    'METRICS': ['mmcrowd.evaluation'],
    'TASK_UTILS': ['mmcrowd.codecs', 'mmcrowd.models'],
    'VISUALIZERS': ['mmcrowd.visualization'],
}


def _child(node: str) -> Registry:
    parent = getattr(_mmdet, node)
    locations = ['mmcrowd.utils.mmdet_parts', *_LOCATIONS.get(node, [])]
    child = Registry(parent.name, parent=parent, scope='mmcrowd', locations=locations)
    # A registry looks into its own children only: without this, nothing here would be found from mmengine's scope,
    # which is that of a Python session that has read no config.
    parent.parent._children.setdefault('mmcrowd', child)
    return child


RUNNERS = _child('RUNNERS')
RUNNER_CONSTRUCTORS = _child('RUNNER_CONSTRUCTORS')
LOOPS = _child('LOOPS')
HOOKS = _child('HOOKS')
DATASETS = _child('DATASETS')
DATA_SAMPLERS = _child('DATA_SAMPLERS')
TRANSFORMS = _child('TRANSFORMS')
MODELS = _child('MODELS')
MODEL_WRAPPERS = _child('MODEL_WRAPPERS')
WEIGHT_INITIALIZERS = _child('WEIGHT_INITIALIZERS')
OPTIMIZERS = _child('OPTIMIZERS')
OPTIM_WRAPPERS = _child('OPTIM_WRAPPERS')
OPTIM_WRAPPER_CONSTRUCTORS = _child('OPTIM_WRAPPER_CONSTRUCTORS')
PARAM_SCHEDULERS = _child('PARAM_SCHEDULERS')
METRICS = _child('METRICS')
EVALUATOR = _child('EVALUATOR')
TASK_UTILS = _child('TASK_UTILS')
VISUALIZERS = _child('VISUALIZERS')
VISBACKENDS = _child('VISBACKENDS')
LOG_PROCESSORS = _child('LOG_PROCESSORS')
CODECS = TASK_UTILS
"""Codecs are registered as task utilities: ``@CODECS.register_module()``."""
