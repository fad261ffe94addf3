"""Weights are data: read without running anything of the file, and loaded whole or not at all.

Used by every way in: training (``--resume``, ``load_from``, ``init_cfg`` of type Pretrained), testing, prediction.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from .atomic_files import write_atomic
from .downloads import fetch_weights, is_address
from .errors import WeightsError

_WRAPPERS = ('state_dict', 'model_state_dict', 'model')
_PREFIXES = ('ema.module.', 'module.')
_LEGACY_TORCH = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2)
_REFUSED = re.compile(r'GLOBAL (\S+)|unrecognized function (.+)|Can only .* but got (.+)|(torchscript)')
_AGAIN = 'copy or download it again'
_HEADS = (  # beginnings of files that are saved under the name of weights by mistake
    (rb'version https://git-lfs', 'is a pointer of Git LFS, not the weights: run "git lfs pull" where it came from'),
    (rb'\s*<(!doctype html|html)', 'is an HTML page, not weights: download the file itself, perhaps after a login'),
    (rb'[\t\n\r\x20-\x7e\x80-\xff]*\Z', 'is text, not weights: give a .pth or .safetensors file'),
)


def read_weights(path: str | Path, map_location: str | torch.device = 'cpu', sha256: str | None = None) -> dict:
    """Read a checkpoint or bare weights as data; no code of the file is run, whatever it holds.

    safetensors are read by their library, files of ``torch.save`` by its weights-only loading, which builds tensors,
    numbers, strings and containers; of other objects only what mmengine's checkpoints need (arrays of numbers and
    histories of logged values) is allowed. What a name ends in does not matter.

    Args:
        path: The file, or an address that states its SHA-256, see :func:`fetch_weights`.
        map_location: Where the tensors of a ``torch.save`` file go; those of safetensors are on the CPU.
        sha256: Hexadecimal digits that the file's SHA-256 must begin with.

    Returns:
        What the file holds; of safetensors ``{'state_dict': tensors, 'meta': its strings by name}``.

    Raises:
        FileNotFoundError: There is no such file.
        WeightsError: It is no file of weights, is damaged, or holds something that could be code.
    """
    name = str(path)
    file, sha256 = fetch_weights(name, sha256) if is_address(path) else (Path(path).expanduser(), sha256)
    kind = _recognize(name, file)
    if sha256 is not None and not (found := file_sha256(file)).startswith(sha256.lower()):
        again = f'delete {file}, and it is downloaded again' if is_address(path) else _AGAIN
        raise WeightsError(f'{name}: its SHA-256 is {found}, expected {sha256}: {again}')
    checkpoint = _read_safetensors(name, file) if kind == 'safetensors' else _read_torch(name, file, kind, map_location)
    if not isinstance(checkpoint, dict):
        what = 'nothing (None)' if checkpoint is None else f'a {type(checkpoint).__name__}'
        raise WeightsError(f'{name}: holds {what}, expected tensors by name: save model.state_dict() of a model')
    return checkpoint


def load_weights(
    module: nn.Module,
    checkpoint: Mapping,
    source: str | Path,
    prefix: str = '',
    optional: Iterable[str] = (),
    absent: Iterable[str] = (),
    advice: str = 'give the weights that were trained with this config',
) -> int:
    """Load weights that fit a module completely, or change nothing.

    Args:
        module: Gets the values, converted to its own precision. A wrapper such as DDP must be taken off before.
        checkpoint: From :func:`read_weights`: a checkpoint (weights under 'state_dict', 'model_state_dict' or 'model')
            or tensors by name. 'module.' or 'ema.module.' before all names is removed.
        source: Name of the file, for messages.
        prefix: Beginning of the names that belong to the module, such as 'backbone.'; others are left alone.
        optional: Regular expressions of names of the file that the module may do without, such as a classifier's,
            matched from the beginning; beside those that a part of it has in ``unneeded_keys``, such as of branches
            that exist in training.
        absent: Regular expressions of names of the module that the file may do without, likewise.
        advice: What to do where they do not fit, the end of the message.

    Returns:
        The number of tensors loaded.

    Raises:
        WeightsError: Names or shapes differ, or a value is NaN or infinite.
    """
    fit = _compare(module, checkpoint, source, prefix)
    unneeded = (
        rf'{re.escape(f"{name}.")}{pattern}' for name, part in module.named_modules() for pattern in _unneeded(part)
    )
    fit.left_over = _unmatched(fit.left_over, (*optional, *unneeded))
    fit.missing = _unmatched(fit.missing, absent)
    if fit.differences:
        raise WeightsError(f'{source}: does not fit {fit}: {advice}')
    check_finite(fit.values, source)
    return fit.load()


def load_fitting_weights(module: nn.Module, checkpoint: Mapping, source: str | Path) -> str:
    """Load the weights that fit a module, as a start of training; arguments as those of :func:`load_weights`.

    Returns:
        What was loaded and what was left out, as a sentence that begins with the file's name.

    Raises:
        WeightsError: Nothing fits, or nothing of the module's ``backbone``; or a value is NaN or infinite.
    """
    fit = _compare(module, checkpoint, source)
    parts = {key.partition('.')[0] for key in fit.values if not key.endswith('num_batches_tracked')}
    if not parts or ('backbone' not in parts and hasattr(module, 'backbone')):
        what = 'no tensor of the backbone fits' if parts else 'nothing fits'
        raise WeightsError(f'{source}: {what} {fit}: give weights of this architecture')
    check_finite(fit.values, source)
    fit.load()
    return f'{source}: loaded {fit}' if fit.differences else f'{source}: all {_number(fit.values)} tensors loaded'


def check_weights(checkpoint: Mapping, source: str | Path) -> None:
    """Check, before there is a model, that a checkpoint holds tensors by name, and that they are finite.

    Raises:
        WeightsError: It does not.
    """
    check_finite(tensors_by_name(checkpoint, source), source)


def check_finite(content: object, source: str | Path, where: str = '') -> None:
    """Check every tensor of a value, however deep in mappings and lists.

    Raises:
        WeightsError: A value is NaN or infinite; ``source`` and the place are named.
    """
    if isinstance(content, Tensor) and content.is_floating_point() and not (finite := torch.isfinite(content)).all():
        raise WeightsError(
            f'{source}: {where} holds NaN or infinity ({int((~finite).sum())} of {content.numel()} values): the '
            'training has diverged, give an earlier checkpoint'
        )
    if isinstance(content, Mapping | list | tuple):
        for key, value in content.items() if isinstance(content, Mapping) else enumerate(content):
            check_finite(value, source, f'{where}.{key}'.lstrip('.'))


def file_sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def save_weights(path: str | Path, state: Mapping[str, Tensor]) -> Path:
    """Write tensors as safetensors, wholly or not at all; returns the path."""
    write_atomic(path, save({name: value.detach().cpu().contiguous().clone() for name, value in state.items()}))
    return Path(path)


def content_sha256(state: Mapping[str, Tensor], meta: Mapping[str, str]) -> str:
    """SHA-256 of tensors and strings by name, which a published file keeps as its string 'sha256'."""
    digest = hashlib.sha256()
    for key, text in sorted(meta.items()):
        if key != 'sha256':
            digest.update(repr((key, text)).encode())
    for key, value in sorted(state.items()):
        digest.update(repr((key, str(value.dtype), tuple(value.shape))).encode())
        digest.update(value.contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


@dataclass
class _Fit:
    """How the tensors of a file and those of a module agree."""

    module: nn.Module
    source: str
    values: dict[str, Tensor] = field(default_factory=dict)  # of the file, where names and shapes agree
    missing: list[str] = field(default_factory=list)  # of the module
    left_over: list[str] = field(default_factory=list)  # of the file
    unlike: list[str] = field(default_factory=list)  # 'name (shape of the file, expected shape of the module)'

    @property
    def differences(self) -> list[str]:
        """What does not agree, in words."""
        kinds = (('not in the file', self.missing), ('not in the model', self.left_over), ('unlike', self.unlike))
        return [f'{len(keys)} {kind} ({first_names(keys)})' for kind, keys in kinds if keys]

    def __str__(self) -> str:
        fitting = f'{_number(self.values)} of {_number(self.module.state_dict())} tensors fit'
        return f'{type(self.module).__name__}: {"; ".join([fitting, *self.differences])}'

    def load(self) -> int:
        """Copy the values that agree; returns their number."""
        own = self.module.state_dict()
        with torch.no_grad():
            for key, value in self.values.items():
                own[key].copy_(value)
        return len(self.values)


def _number(names: Iterable[str]) -> int:
    """How many tensors these are, less counters of batches, which a file may have or not."""
    return sum(not name.endswith('num_batches_tracked') for name in names)


def _compare(module: nn.Module, checkpoint: Mapping, source: str | Path, prefix: str = '') -> _Fit:
    """Sort the names of a file's and a module's tensors by whether they agree."""
    own = module.state_dict()
    state = tensors_by_name(checkpoint, str(source))
    for wrapper in _PREFIXES:
        if all(key.startswith(wrapper) for key in state) and not any(key.startswith(wrapper) for key in own):
            state = {key.removeprefix(wrapper): value for key, value in state.items()}
    state = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    fit = _Fit(module, str(source))
    for key, value in state.items():
        if key not in own:
            fit.left_over.append(key)
        elif value.shape != own[key].shape or value.is_floating_point() != own[key].is_floating_point():
            fit.unlike.append(f'{key} {_describe(value)}, expected {_describe(own[key])}')
        else:
            fit.values[key] = value
    # Counters of batches are younger than many published files and are not used in prediction.
    fit.missing = [key for key in own if key not in state and not key.endswith('num_batches_tracked')]
    return fit


def tensors_by_name(checkpoint: Mapping, source: str) -> Mapping[str, Tensor]:
    """The tensors by name of a checkpoint."""
    state = next((checkpoint[key] for key in _WRAPPERS if isinstance(checkpoint.get(key), Mapping)), checkpoint)
    if not state:
        raise WeightsError(f'{source}: holds no tensors: save model.state_dict() of a model')
    for key, value in state.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise WeightsError(
                f'{source}: its entry {str(key)[:60]!r} is of type {type(value).__name__}, expected tensors by name: '
                'save model.state_dict() of a model'
            )
        if value.layout is not torch.strided or value.is_quantized or value.is_meta or value.is_complex():
            raise WeightsError(f'{source}: its entry {key[:60]!r} is no plain tensor of numbers: save dense weights')
    return state


def _describe(value: Tensor) -> str:
    return f'{tuple(value.shape)}' if value.is_floating_point() else f'{tuple(value.shape)} of whole numbers'


def first_names(keys: Sequence[str], number: int = 3) -> str:
    """The first of some names, and how many more there are."""
    more = f' and {len(keys) - number} more' if len(keys) > number else ''
    return ', '.join(key[:100] for key in keys[:number]) + more


def _unneeded(part: nn.Module) -> tuple[str, ...]:
    return getattr(part, 'unneeded_keys', ())


def _unmatched(keys: list[str], patterns: Iterable[str]) -> list[str]:
    patterns = tuple(patterns)
    return [key for key in keys if not any(re.match(pattern, key) for pattern in patterns)]


def _recognize(name: str, file: Path) -> str:
    """'safetensors', 'zip' (torch.save), 'legacy' (torch.save before 1.6), by the first bytes of the file."""
    if file.is_dir():
        raise WeightsError(f'{name}: is a folder, expected a file of weights: give a .pth or .safetensors file in it')
    if file.is_symlink() and not file.exists():
        raise WeightsError(f'{name}: is a link to {os.readlink(file)}, which is not there: give the file itself')
    if not file.exists():
        raise FileNotFoundError(f'{name}: no such file, expected the weights of a model: check the path')
    if not file.is_file():
        raise WeightsError(f'{name}: is no ordinary file, expected a file of weights: copy it to a file first')
    try:
        with open(file, 'rb') as opened:
            head = opened.read(1024)
    except OSError as error:
        raise WeightsError(f'{name}: cannot be read ({error.strerror}): change its permissions or copy it') from error
    if not head:
        raise WeightsError(f'{name}: is empty (0 bytes): {_AGAIN}')
    if head.startswith(b'PK\x03\x04'):
        return 'zip'
    if head[8:9] == b'{':
        return 'safetensors'
    if head.startswith(_LEGACY_TORCH):
        return 'legacy'
    if head.startswith(b'\x80'):
        raise WeightsError(
            f'{name}: is a Python pickle that torch.save did not write and may hold code; nothing of it was run: get '
            'the weights as .safetensors, or saved by torch.save as a state dict'
        )
    for pattern, what in _HEADS:
        if re.match(pattern, head, re.IGNORECASE):
            raise WeightsError(f'{name}: {what}')
    raise WeightsError(f'{name}: is no file of torch.save or safetensors: give a .pth or .safetensors file')


def _read_safetensors(name: str, file: Path) -> dict:
    """Tensors and strings of a safetensors file."""
    try:
        with safe_open(file, framework='pt') as opened:
            meta = opened.metadata() or {}
            state = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as error:
        raise WeightsError(f'{name}: is cut off or damaged ({_short(error)}): {_AGAIN}') from error
    if meta.get('sha256') not in (None, content_sha256(state, meta)):
        raise WeightsError(f'{name}: is damaged (its content has another SHA-256 than it says): {_AGAIN}')
    return dict(state_dict=state, meta=meta)


def _read_torch(name: str, file: Path, kind: str, map_location: str | torch.device) -> object:
    """The content of a file of ``torch.save``, by weights-only loading."""
    try:
        if kind == 'zip':
            with zipfile.ZipFile(file) as archive:
                if bad := archive.testzip():  # torch.load does not compare the check sums
                    raise zipfile.BadZipFile(f'the check sum of {bad} is wrong')
                if any(entry.endswith('constants.pkl') for entry in archive.namelist()):
                    raise pickle.UnpicklingError('torchscript')
        # By file object: torch.load takes a path that ends in .safetensors as safetensors.
        with open(file, 'rb') as opened, torch.serialization.safe_globals(_allowed_globals()):
            return torch.load(opened, map_location=map_location, weights_only=True)
    except Exception as error:  # whatever a damaged pickle leads to
        found = _REFUSED.search(str(error))
        if found is None:
            raise WeightsError(f'{name}: is cut off or damaged ({_short(error)}): {_AGAIN}') from error
        what = next(filter(None, found.groups()))[:100]
        raise WeightsError(
            f'{name}: holds more than weights ({what}), which could be code; nothing of it was run: get the weights as '
            '.safetensors, or saved as a plain state dict'
        ) from error


def _short(error: Exception) -> str:
    """The first sentence of an error of a library, 100 characters at most."""
    text = re.split(r'\.\s|\n', str(error).strip())[0]
    return (text or type(error).__name__)[:100]


def _allowed_globals() -> list:
    """What a file may name beside torch's own tensors and containers: (object that is used, name in the file).

    mmengine's list has ``getattr`` and ``numpy.dtype``: with the one a file reads any attribute of what it can name,
    with the other it makes dtypes whose flags turn numbers into pointers. Both are replaced by what checkpoints use.
    """
    array, scalar = np.zeros(1).__reduce__()[0], np.float64(0).__reduce__()[0]
    names = [f'numpy.{core}.multiarray.{name}' for core in ('core', '_core') for name in ('_reconstruct', 'scalar')]
    return [
        HistoryBuffer,
        np.ndarray,
        (_only_statistics, 'builtins.getattr'),
        (_plain_dtype, 'numpy.dtype'),
        *zip((array, scalar, array, scalar), names, strict=True),
        *{type(np.dtype(code)) for code in '?bBhHiIlLqQefd'},
    ]


def _only_statistics(owner: object, name: str) -> object:
    """``getattr`` for the statistics of a history of logged values, which mmengine's checkpoints list."""
    if owner is not HistoryBuffer or name not in ('min', 'max', 'current', 'mean'):
        raise pickle.UnpicklingError(f'GLOBAL builtins.getattr of {str(name)[:40]}')
    return getattr(HistoryBuffer, name)


def _plain_dtype(code: str, align: bool = False, copy: bool = False) -> np.dtype:
    """A dtype of numbers: numpy's own object, whose flags a file cannot change."""
    if not isinstance(code, str) or not re.fullmatch(r'[biuf]\d{1,2}', code):
        raise pickle.UnpicklingError(f'GLOBAL numpy.dtype of {str(code)[:40]}')
    return np.dtype(code)
