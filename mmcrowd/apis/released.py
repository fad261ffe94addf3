"""Checkpoints that the authors of a method released, as weights and config of mmcrowd."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from mmcrowd.registry import MODELS
from mmcrowd.utils.configs import read_config
from mmcrowd.utils.errors import WeightsError
from mmcrowd.utils.weights import first_names, load_weights, read_weights, tensors_by_name

from .publish import write_published

_HRNET = (r'(?=(conv|bn)\d\.|layer\d\.|transition\d\.|stage\d\.)', 'backbone.')
_FRONT_END = (r'frontend\.', 'backbone.features.')
_OUTPUT = (r'output_layer\.', 'bbox_head.conv.')
_THRESHOLDS = (  # the authors' last convolution stands behind a pooling layer
    (r'Binar\.Threshold_Module\.7\.', 'bbox_head.threshold_encoder.layers.6.'),
    (r'Binar\.Threshold_Module\.', 'bbox_head.threshold_encoder.layers.'),
)


@dataclass(frozen=True)
class ReleasedNetwork:
    """A network whose trained weights its authors released.

    Attributes:
        name: Short name.
        source: Where the authors keep code and weights.
        configs: Data set that a checkpoint was trained on to our config of it, below ``configs/``; the first is the
            default.
        renames: (pattern at the beginning of a name, replacement), of which the first that matches is applied.
        unused: Pattern of names that the authors' network has and never uses.
    """

    name: str
    source: str
    configs: Mapping[str, str]
    renames: tuple[tuple[str, str], ...]
    unused: str = r'(?!)'

    def translate(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Tensors by our names; a name that no rule knows stays as it is."""
        return {self._name(key): value for key, value in state.items() if not re.match(self.unused, key)}

    def foreign(self, state: Mapping[str, Tensor]) -> list[str]:
        """The names that are not of this network."""
        return [key for key in state if self._name(key) == key and not re.match(self.unused, key)]

    def _name(self, key: str) -> str:
        for pattern, replacement in self.renames:
            renamed, found = re.subn(rf'\A(?:{pattern})', replacement, key, count=1)
            if found:
                return renamed
        return key


def _vgg_block(first: int, *, to: int, last: int) -> tuple[tuple[str, str], ...]:
    """Rules for one of the parts that IIM cuts VGG-16 into: its layer ``i`` is ``i + to`` of the whole."""
    return tuple((rf'Extractor\.layer{first}\.{i}\.', f'backbone.features.{i + to}.') for i in range(last + 1))


RELEASED = (
    ReleasedNetwork(
        name='fidtm_hrnet_w48',
        source='FIDTM',
        configs={name: f'fidt/fidt_hrnet-w48_3000e_{name}.py' for name in ('sha', 'shb', 'qnrf', 'jhu', 'nwpu')},
        renames=((r'last_layer\.', 'bbox_head.layers.'), _HRNET),
    ),
    ReleasedNetwork(
        name='iim_hrnet_w48',
        source='IIM',
        configs=dict(
            nwpu='iim/iim_hrnet-w48_600e_nwpu.py',
            sha='iim/iim_hrnet-w48_2000e_sha.py',
            shb='iim/iim_hrnet-w48_2000e_shb.py',
            qnrf='iim/iim_hrnet-w48_1000e_qnrf.py',
            jhu='iim/iim_hrnet-w48_600e_jhu.py',
            fdst='iim/iim_hrnet-w48_1000e_fdst.py',
        ),
        renames=(
            (r'Extractor\.last_layer\.', 'bbox_head.layers.'),
            (rf'Extractor\.{_HRNET[0]}', 'backbone.'),
            *_THRESHOLDS,
        ),
        unused=r'Binar\.(weight|bias)$',
    ),
    ReleasedNetwork(
        name='iim_vgg16',
        source='IIM',
        configs=dict(
            nwpu='iim/iim_vgg16_600e_nwpu.py',
            sha='iim/iim_vgg16_1000e_sha.py',
            shb='iim/iim_vgg16_1000e_shb.py',
            qnrf='iim/iim_vgg16_1000e_qnrf.py',
            jhu='iim/iim_vgg16_600e_jhu.py',
            fdst='iim/iim_vgg16_1000e_fdst.py',
        ),
        renames=(
            *_vgg_block(1, to=0, last=22),
            *_vgg_block(2, to=23, last=9),
            *_vgg_block(3, to=33, last=9),
            (r'Extractor\.neck\.', 'neck.'),
            (r'Extractor\.de_pred\.', 'bbox_head.layers.'),
            *_THRESHOLDS,
        ),
        unused=r'Binar\.(weight|bias)$',
    ),
    ReleasedNetwork(
        name='csrnet',
        source='CSRNet-pytorch',
        configs={name: f'density/csrnet_1000e_{name}.py' for name in ('sha', 'shb')},
        renames=(_FRONT_END, (r'backend\.', 'neck.layers.'), _OUTPUT),
    ),
    ReleasedNetwork(
        name='cannet',
        source='Context-Aware-Crowd-Counting',
        configs={name: f'density/cannet_1000e_{name}.py' for name in ('sha', 'shb', 'qnrf')},
        renames=(_FRONT_END, (r'context\.', 'neck.0.'), (r'backend\.', 'neck.1.layers.'), _OUTPUT),
    ),
    ReleasedNetwork(
        name='bl_vgg19',
        source='Bayesian-Crowd-Counting',
        configs={name: f'density/bl_vgg19_1000e_{name}.py' for name in ('qnrf', 'sha', 'shb')},
        renames=(
            (r'features\.', 'backbone.features.'),
            (r'reg_layer\.4\.', 'bbox_head.conv.'),
            (r'reg_layer\.', 'neck.layers.'),
        ),
    ),
    ReleasedNetwork(
        name='raz_loc',
        source='NWPU-Crowd-Sample-Code-for-Localization',
        configs=dict(nwpu='raz/raz-loc_vgg16_2000e_nwpu.py'),
        renames=(
            (r'features4\.', 'backbone.features.'),
            (r'de_pred\.12\.conv\.', 'bbox_head.output.'),
            (r'de_pred\.', 'bbox_head.layers.'),
        ),
    ),
)
"""The networks that :func:`load_released` knows."""


def recognize_released(checkpoint: Mapping, source: str) -> tuple[ReleasedNetwork, dict[str, Tensor]]:
    """Which released network a checkpoint is of.

    Args:
        checkpoint: From :func:`mmcrowd.utils.weights.read_weights`. ``module.`` may stand before every name, or after
            its first part, as training on several GPUs leaves it.
        source: Name of the file, for messages.

    Returns:
        The network, and its tensors by our names.

    Raises:
        WeightsError: It is of none that is known.
    """
    state = {re.sub(r'\A(\w+\.)?module\.', r'\1', key): v for key, v in tensors_by_name(checkpoint, source).items()}
    nearest = min(RELEASED, key=lambda network: len(network.foreign(state)))
    foreign = nearest.foreign(state)
    if not foreign:
        return nearest, nearest.translate(state)
    if len(foreign) < len(state) / 2:
        raise WeightsError(
            f'{source}: has {len(foreign)} names that are not of {nearest.name} ({first_names(foreign)}), which it '
            'resembles: give the file as its authors released it'
        )
    known = ', '.join(network.name for network in RELEASED)
    raise WeightsError(
        f'{source}: is no released checkpoint of {known}; its first names are {first_names(list(state))}: give the '
        "authors' file; what mmcrowd has trained needs no conversion"
    )


def load_released(path: str | Path, configs: str | Path, dataset: str | None = None) -> tuple[nn.Module, Config, str]:
    """Read a released checkpoint into our model of it, completely or not at all.

    Args:
        path: The authors' file.
        configs: Folder of the configs.
        dataset: What the checkpoint was trained on, such as 'sha', which sets size and normalisation of its input; None
            takes the network's first.

    Returns:
        The model with these weights, its config, and the name of the network.

    Raises:
        FileNotFoundError: There is no such file.
        WeightsError: It is none of the known networks, or does not fit completely.
        ValueError: The network was not released for ``dataset``.
    """
    network, state = recognize_released(read_weights(path), str(path))
    dataset = dataset or next(iter(network.configs))
    if dataset not in network.configs:
        raise ValueError(f'{path}: {network.name} was released for {", ".join(network.configs)}, not for {dataset!r}')
    config = read_config(Path(configs) / network.configs[dataset])
    init_default_scope(config.get('default_scope', 'mmdet'))
    model = MODELS.build(copy.deepcopy(config.model))
    load_weights(model, state, path, advice=f'give a file of {network.name} as its authors released it')
    return model.eval(), config, network.name


def convert_released(
    path: str | Path, out: str | Path, configs: str | Path, dataset: str | None = None, dtype: str = 'float32'
) -> Path:
    """Write a released checkpoint as weights and config of mmcrowd: ``<out>-<SHA-256>.safetensors`` and ``.py``.

    Args:
        path, configs, dataset: See :func:`load_released`, whose errors are those of this function.
        out: File to write, see :func:`mmcrowd.apis.publish.publish_model`.
        dtype: 'float32', or 'float16' for half the size.

    Returns:
        The file of weights.
    """
    model, config, _ = load_released(path, configs, dataset)
    return write_published(model, config.pretty_text, out, dtype)
