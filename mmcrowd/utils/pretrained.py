"""``init_cfg=dict(type='Pretrained', ...)`` by the project's own reader: safe, and complete or refused.

mmengine's own loads what fits by name, in silence, and may run code of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.logging import print_log
from mmengine.model import PretrainedInit
from torch import nn

from .errors import WeightsError
from .weights import first_names, load_weights, read_weights, tensors_by_name


@contextmanager
def without_pretrained(model: nn.Module) -> Iterator[list[tuple[nn.Module, dict]]]:
    """Take the Pretrained entries out of every ``init_cfg`` of a model, for the time of the ``with``.

    Yields:
        The modules and their entries, children before their parents, as mmengine would load them.
    """
    kept, taken = [], []
    for module in reversed(list(model.modules())):
        init_cfg = getattr(module, 'init_cfg', None)
        entries = [init_cfg] if isinstance(init_cfg, dict) else list(init_cfg or ())
        pretrained = [entry for entry in entries if entry.get('type') in ('Pretrained', PretrainedInit)]
        if pretrained:
            kept.append((module, init_cfg))
            module.init_cfg = [entry for entry in entries if entry not in pretrained] or None
            taken += [(module, entry) for entry in pretrained]
    try:
        yield taken
    finally:
        for module, init_cfg in kept:
            module.init_cfg = init_cfg


def load_pretrained(module: nn.Module, checkpoint: str, prefix: str | None = None, sha256: str | None = None) -> None:
    """Load published weights: every tensor of the module must be found, with its shape.

    What the file has beyond it may only be parts that the module does not have at all (a classifier, later stages), or
    names that match the module's ``optional_keys``, regular expressions. A module may have a ``misfit``, which knows of
    some names why they cannot be its own.

    Args:
        module: Gets the weights.
        checkpoint: File or address, see :func:`read_weights`.
        prefix: Beginning of the names that belong to the module.
        sha256: Digits that the file's SHA-256 must begin with.

    Raises:
        WeightsError: The file is no file of weights, or does not fit.
    """
    if prefix is None and checkpoint.startswith('mmcls://'):
        prefix = 'backbone'
    prefix = f'{prefix.rstrip(".")}.' if prefix else ''
    parts = '|'.join(re.escape(name) for name in {key.split('.')[0] for key in module.state_dict()})
    content = read_weights(checkpoint, sha256=sha256)
    if hasattr(module, 'misfit') and (why := module.misfit(content.get('state_dict', content))):
        raise WeightsError(f'{checkpoint}: {why}')
    number = load_weights(
        module,
        content,
        checkpoint,
        prefix=prefix,
        optional=(*getattr(module, 'optional_keys', ()), rf'(?!({parts})(\.|$))'),
        advice=f'give weights of a {type(module).__name__} of these options, by init_cfg.checkpoint',
    )
    own, outer = module.state_dict(), re.compile(rf'\A(ema\.)?(module\.)?{re.escape(prefix)}')
    left_out = [key for key in tensors_by_name(content, checkpoint) if outer.sub('', key) not in own]
    less = f'; {len(left_out)} of the file left out ({first_names(left_out)})' if left_out else ''
    print_log(f'{type(module).__name__}: {number} tensors from {checkpoint}{less}', logger='current')
