"""A trained model as one small file that anybody can read without running anything of it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.registry import init_default_scope
from safetensors.torch import save_file
from torch import Tensor, nn

from mmcrowd.registry import MODELS
from mmcrowd.utils.configs import read_config
from mmcrowd.utils.json_files import plain
from mmcrowd.utils.weights import content_sha256, file_sha256, load_weights, read_weights

DTYPES = {'float16': torch.float16, 'float32': torch.float32}


def publish_model(
    config: str | Path,
    checkpoint: str | Path,
    out: str | Path,
    dtype: str = 'float16',
    float32: Sequence[str] = (),
    metrics: str | Path | None = None,
) -> Path:
    """Write the weights of a checkpoint as safetensors, with config, metrics and a SHA-256 that the reader verifies.

    The optimizer and the state of the training are left out. The config is written beside the weights, too, whole and
    without base files.

    Args:
        config: The config of the model; it, not what the checkpoint says, is published and executed by users.
        checkpoint: Weights, which must fit the config's model.
        out: File to write; the first 8 digits of its SHA-256 come before the suffix, as ``model-0123abcd.safetensors``,
            so that a download by address is checked.
        dtype: 'float16' or 'float32'. Tensors that float16 cannot hold, because a value overflows or a variance
            becomes 0, stay float32.
        float32: Regular expressions of names that stay float32, matched from the beginning.
        metrics: ``metrics.json`` of a test of these weights.

    Returns:
        The file written.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: The weights do not fit, the metrics are no JSON, or the dtype is unknown.
    """
    cfg = read_config(config)
    text = cfg.pretty_text  # building a model changes its config
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    model = MODELS.build(cfg.model)
    load_weights(model, read_weights(checkpoint), checkpoint)
    return write_published(model, text, out, dtype, float32, _read_metrics(metrics))


def write_published(
    model: nn.Module,
    config: str,
    out: str | Path,
    dtype: str = 'float16',
    float32: Sequence[str] = (),
    metrics: dict | None = None,
) -> Path:
    """Write a model with its weights as :func:`publish_model` does; ``config`` is the text of its config."""
    if dtype not in DTYPES:
        raise ValueError(f'dtype: expected one of {sorted(DTYPES)}, found {dtype!r}')
    state = {key: _converted(key, value, DTYPES[dtype], float32) for key, value in model.state_dict().items()}
    meta = dict(format='pt', config=config, metrics=json.dumps(metrics or {}))
    meta['sha256'] = content_sha256(state, meta)
    out = Path(out).with_suffix('.safetensors')
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f'.{out.name}.tmp')
    save_file(state, temporary, meta)
    published = out.with_stem(f'{out.stem}-{file_sha256(temporary)[:8]}')
    temporary.chmod(0o644)  # the library lets only its owner read
    os.replace(temporary, published)
    published.with_suffix('.py').write_text(config, encoding='utf-8')
    load_weights(model, read_weights(published), published)
    return published


def _converted(key: str, value: Tensor, dtype: torch.dtype, float32: Sequence[str]) -> Tensor:
    """A tensor in the dtype, or as it is where it must stay."""
    value = value.detach().contiguous().clone()
    if not value.is_floating_point() or any(re.match(pattern, key) for pattern in float32):
        return value
    small = value.to(dtype)
    lost = key.endswith('running_var') and bool(((small == 0) & (value != 0)).any())
    return value if lost or not torch.isfinite(small).all() else small


def _read_metrics(path: str | Path | None) -> dict:
    """Metrics of a file, none without one."""
    if path is None:
        return {}
    try:
        return plain(json.loads(Path(path).read_text(encoding='utf-8')))
    except json.JSONDecodeError as error:
        raise ValueError(f'{path}: expected metrics as JSON, found: {error}') from error
