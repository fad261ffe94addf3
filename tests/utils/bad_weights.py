"""Files that are given as weights and are none, or do not fit: one writer per kind, and files that hold code."""

import io
import json
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file


class Poison:
    """An object whose unpickling makes a file."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


def poisoned(marker: Path, place: str, checkpoint: dict) -> dict:
    """A copy of a checkpoint with a poison at a place: 'state_dict', 'meta', 'message_hub' or 'optimizer'."""
    place_of = {
        'state_dict': lambda c: c['state_dict'],
        'meta': lambda c: c['meta'],
        'message_hub': lambda c: c.setdefault('message_hub', {}).setdefault('runtime_info', {}),
        'optimizer': lambda c: c.setdefault('optimizer', {}).setdefault('state', {}),
    }
    copy = pickle.loads(pickle.dumps(checkpoint))
    place_of[place](copy)['poison'] = Poison(marker)
    return copy


POISONED_PLACES = ('state_dict', 'meta', 'message_hub', 'optimizer')


def save_as(form: str, content: object, path: Path) -> Path:
    """Write content as 'zip' or 'legacy' file of ``torch.save``, or as a 'bare' pickle."""
    if form == 'bare':
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == 'zip')
    return path


FORMS = ('zip', 'legacy', 'bare')

Writer = Callable[[Path, dict], None]
_LFS = f'version https://git-lfs.github.com/spec/v1\noid sha256:{"4d7a2146" * 8}\nsize 12345\n'


def _saved(change: Callable[[dict], object]) -> Writer:
    return lambda path, state: torch.save(change(state), path)


def _bytes(change: Callable[[bytes], bytes]) -> Writer:
    def write(path: Path, state: dict) -> None:
        buffer = io.BytesIO()
        torch.save(dict(state_dict=state, meta={}), buffer)
        path.write_bytes(change(buffer.getvalue()))

    return write


def _flip(data: bytes, state: dict) -> bytes:
    """One bit of the largest tensor, which stays finite."""
    largest = max(state.values(), key=torch.Tensor.numel)
    place = data.index(largest.contiguous().numpy().tobytes())
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def _flipped(path: Path, state: dict) -> None:
    _bytes(lambda data: _flip(data, state))(path, state)


def _with_value(state: dict, value: float) -> dict:
    state = {key: tensor.clone() for key, tensor in state.items()}
    next(tensor for tensor in state.values() if tensor.is_floating_point() and tensor.numel()).view(-1)[0] = value
    return dict(state_dict=state, meta={})


def _cut_safetensors(path: Path, state: dict) -> None:
    save_file(state, path)
    path.write_bytes(path.read_bytes()[:-7])


def _cut_legacy(path: Path, state: dict) -> None:
    save_as('legacy', state, path)
    path.write_bytes(path.read_bytes()[:-20])


def _renamed(state: dict, prefix: str) -> dict:
    return dict(state_dict={prefix + key: value for key, value in state.items()}, meta={})


def _half(state: dict) -> dict:
    keys = list(state)
    return dict(state_dict={key: state[key] for key in keys[len(keys) // 2 :]}, meta={})


def _script(path: Path, state: dict) -> None:
    torch.jit.save(torch.jit.trace(torch.nn.Linear(1, 1), torch.ones(1)), path)


# What is refused everywhere: kind -> (writer, part of the message).
REFUSED: dict[str, tuple[Writer, str]] = {
    'empty': (lambda path, state: path.touch(), 'is empty'),
    'cut off': (_bytes(lambda data: data[: len(data) // 2]), 'cut off or damaged'),
    'cut off after 10 bytes': (_bytes(lambda data: data[:10]), 'cut off or damaged'),
    'last bytes missing': (_bytes(lambda data: data[:-5]), 'cut off or damaged'),
    'a flipped bit': (_flipped, 'damaged.*check sum'),
    'legacy, cut off': (_cut_legacy, 'cut off or damaged'),
    'zeros': (lambda path, state: path.write_bytes(bytes(5000)), 'is no file of torch.save or safetensors'),
    'text': (lambda path, state: path.write_text('weights of 2024\n'), 'is text'),
    'JSON': (lambda path, state: path.write_text(json.dumps(dict(a=[1.0] * 500))), 'is text'),
    'an HTML page': (lambda path, state: path.write_text('\n<!DOCTYPE html><html>Sign in</html>'), 'is an HTML page'),
    'a Git LFS pointer': (lambda path, state: path.write_text(_LFS), 'git lfs pull'),
    'a picture': (lambda path, state: path.write_bytes(b'\x89PNG\r\n\x1a\n' + bytes(100)), 'is no file of torch.save'),
    'safetensors, cut off': (_cut_safetensors, 'cut off or damaged'),
    'a list': (_saved(lambda state: list(state.values())), 'holds a list'),
    'None': (_saved(lambda state: None), 'holds nothing'),
    'a number': (_saved(lambda state: 3), 'holds a int'),
    'a bare tensor': (_saved(lambda state: torch.zeros(3)), 'holds a Tensor'),
    'no entries': (_saved(lambda state: {}), 'holds no tensors'),
    'strings for tensors': (_saved(lambda state: dict.fromkeys(state, 'x')), 'is of type str, expected tensors'),
    'optimizer only': (_saved(lambda state: dict(optimizer={}, epoch=3)), "entry 'optimizer' is of type dict"),
    'a whole model': (_saved(lambda state: torch.nn.Linear(1, 1)), r'more than weights \(torch.nn.modules'),
    'TorchScript': (_script, r'more than weights \(torchscript'),
    'sparse tensors': (_saved(lambda state: {key: v.to_sparse() for key, v in state.items()}), 'no plain tensor'),
    'NaN': (_saved(lambda state: _with_value(state, float('nan'))), 'holds NaN or infinity'),
    'infinity': (_saved(lambda state: _with_value(state, float('-inf'))), 'holds NaN or infinity'),
    'other names': (_saved(lambda state: _renamed(state, 'module.net.')), 'fit'),
    'another network': (_saved(lambda state: torch.nn.Linear(3, 4).state_dict()), 'fit'),
    'other shapes': (_saved(lambda state: {key: v[None] for key, v in state.items()}), 'fit'),
    'whole numbers': (_saved(lambda state: {key: v.to(torch.int32) for key, v in state.items()}), 'fit'),
    'a folder': (lambda path, state: path.mkdir(), 'is a folder'),
    'a broken link': (lambda path, state: path.symlink_to('gone.pth'), 'is a link to gone.pth'),
    'a pipe': (lambda path, state: os.mkfifo(path), 'is no ordinary file'),
}
if sys.platform == 'win32':
    REFUSED.pop('a pipe')
# What fits in part: refused everywhere but in ``load_from``.
PARTIAL: dict[str, tuple[Writer, str]] = {'half of the names': (_saved(_half), 'does not fit')}
# What is good everywhere.
GOOD: dict[str, Writer] = {
    'a checkpoint': _saved(lambda state: dict(state_dict=state, meta={})),
    'bare tensors by name': _saved(dict),
    'under model': _saved(lambda state: dict(model=state, epoch=3)),
    'under model_state_dict': _saved(lambda state: dict(model_state_dict=state)),
    'prefix module.': _saved(lambda state: _renamed(state, 'module.')),
    'prefix ema.module.': _saved(lambda state: _renamed(state, 'ema.module.')),
    'float16': _saved(lambda state: {key: v.half() if v.is_floating_point() else v for key, v in state.items()}),
    'legacy': lambda path, state: save_as('legacy', state, path),
    'safetensors under .pth': lambda path, state: save_file(state, path),
    'without counters of batches': _saved(
        lambda state: {key: v for key, v in state.items() if not key.endswith('num_batches_tracked')}
    ),
}
