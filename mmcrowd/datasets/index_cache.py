"""An index of a data set's annotations on disk, read in place of thousands of small files."""

import contextlib
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from mmengine.logging import print_log


def cache_folder() -> Path:
    """``$MMCROWD_CACHE``, else ``mmcrowd`` in the user's cache folder."""
    named = os.environ.get('MMCROWD_CACHE')
    if named:
        return Path(named)
    return Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache') / 'mmcrowd'


def fingerprint(paths: Iterable[str | Path]) -> str:
    """Digest of the names, sizes and modification times of files, and of all files in folders and below them.

    Raises:
        FileNotFoundError: A path does not exist.
    """
    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        if not os.path.exists(path):
            raise FileNotFoundError(f'{path}: no such file or folder, expected the data set there')
        for name, size, time in sorted(_walk(str(path))):
            digest.update(f'{name}\0{size}\0{time}\n'.encode(errors='surrogateescape'))
    return digest.hexdigest()


def _walk(path: str, above: frozenset[str] = frozenset()) -> Iterable[tuple[str, int, int]]:
    if not os.path.isdir(path):
        stat = os.stat(path)
        yield path, stat.st_size, stat.st_mtime_ns
        return
    above |= {os.path.realpath(path)}  # a link to a folder that it is in would never end
    own = os.path.abspath(cache_folder())  # may lie among the data, and changes by being written
    with os.scandir(path) as entries:
        for entry in entries:
            if os.path.isdir(entry.path):
                if os.path.abspath(entry.path) != own and os.path.realpath(entry.path) not in above:
                    yield from _walk(entry.path, above)
                continue
            with contextlib.suppress(OSError):  # a link to nothing or to itself, or gone since it was listed
                stat = entry.stat()
                yield entry.path, stat.st_size, stat.st_mtime_ns


class IndexCache:
    """One file that holds the samples of one data set split.

    It is valid for one state of the annotations only, and is written to the side and moved into place, so that
    processes that read and write at once see a whole file, old or new.

    Args:
        identity: What the samples depend on beside the content of the files: loader, folder, options.
    """

    def __init__(self, identity: str) -> None:
        name = hashlib.blake2b(identity.encode(errors='surrogateescape'), digest_size=12).hexdigest()
        self.path = cache_folder() / 'index' / f'{name}.npz'

    def load(self, content: str) -> tuple[list[dict], dict] | None:
        """Samples and state stored for the fingerprint ``content``; None if there are none that can be used."""
        try:
            with np.load(self.path, allow_pickle=False) as stored:
                header = json.loads(stored['header'].tobytes())
                if header['content'] != content:
                    return None
                arrays = {key: (stored[f'data.{key}'], stored[f'rows.{key}']) for key in header['arrays']}
        except Exception:  # missing, cut off, of another make: whatever it is, the index is built again
            return None
        samples = header['samples']
        for key, (data, rows) in arrays.items():
            stop = np.cumsum(rows.clip(0))
            for sample, number, end in zip(samples, rows.tolist(), stop.tolist(), strict=True):
                if number >= 0:
                    sample[key] = data[end - number : end]
        return samples, header['state']

    def save(self, content: str, samples: list[dict], state: dict) -> None:
        """Store ``samples``: arrays under keys that every sample spells alike, and values that JSON keeps as they are.

        Where the folder cannot be written, nothing is stored.
        """
        keys = sorted({key for sample in samples for key, value in sample.items() if isinstance(value, np.ndarray)})
        packed = {}
        for key in keys:
            parts = [sample.get(key) for sample in samples]
            packed[f'data.{key}'] = np.concatenate([part for part in parts if part is not None])
            packed[f'rows.{key}'] = np.array([-1 if part is None else len(part) for part in parts])
        plain = [{key: value for key, value in sample.items() if key not in keys} for sample in samples]
        header = json.dumps(dict(content=content, arrays=keys, samples=plain, state=state))
        packed['header'] = np.frombuffer(header.encode(), dtype=np.uint8)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self.path.parent, suffix='.tmp')
            try:
                with os.fdopen(handle, 'wb') as file:
                    np.savez(file, **packed)
                os.replace(temporary, self.path)
            except BaseException:
                os.unlink(temporary)
                raise
        except OSError as error:
            print_log(f'{self.path}: the index could not be stored ({error}); it is built again at the next start',
                      'current', logging.WARNING)  # fmt: skip
