"""Published weights by address: downloaded once, and checked against the SHA-256 that the address states."""

from __future__ import annotations

import re
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlparse

import mmengine
import torch
from mmengine.dist import barrier, is_main_process
from mmengine.runner.checkpoint import get_deprecated_model_names, get_external_models, get_mmcls_models

from .errors import WeightsError


def is_address(path: str | Path) -> bool:
    """Whether this names a download (``https://``, ``torchvision://``, ...) and no file."""
    return re.match(r'[\w+-]+://', str(path)) is not None


def fetch_weights(address: str, sha256: str | None = None) -> tuple[Path, str]:
    """The local copy of published weights, in the cache of :mod:`torch.hub`; downloaded by one process where missing.

    Args:
        address: ``http(s)://``, or a name that mmengine knows: ``torchvision://``, ``open-mmlab://``, ``mmcls://``.
        sha256: The first digits of the file's SHA-256; by default those in its name, as in ``x-0123abcd.pth``.

    Returns:
        The file and the digits that its SHA-256 must begin with, which the reader has to compare.

    Raises:
        WeightsError: The address is unknown, states no SHA-256, or cannot be downloaded.
    """
    url = _url(address)
    try:
        name = Path(urlparse(url).path).name
    except ValueError as error:
        raise WeightsError(f'{address}: is no address ({error}): check it, or give the path of a file') from error
    stated = sha256 or next(iter(re.findall(r'-([0-9a-f]{8,64})\.\w+$', name)), None)
    if stated is None:
        raise WeightsError(
            f'{address}: the address states no SHA-256 (as x-0123abcd.pth does): download the file, check it and give '
            'its path, or write sha256=... beside checkpoint'
        )
    file = Path(torch.hub.get_dir()) / 'checkpoints' / name
    if is_main_process() and not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url, str(file), stated, progress=False)
        except (OSError, RuntimeError, ValueError, HTTPException) as error:  # no way; another SHA-256; no such address
            why = ' '.join(str(error).split()) or type(error).__name__
            raise WeightsError(
                f'{address}: cannot be downloaded ({why}): check the address, or download it elsewhere and give '
                'the path of the file'
            ) from error
    barrier()
    return file, stated


def _url(address: str) -> str:
    """The http address behind a name of a collection."""
    scheme, name = address.split('://', 1)
    if scheme in ('http', 'https'):
        return address
    if scheme in ('torchvision', 'modelzoo'):
        known = mmengine.load(Path(mmengine.__file__).parent / 'hub' / 'torchvision_0.12.json')
    elif scheme in ('open-mmlab', 'openmmlab'):
        known, name = get_external_models(), get_deprecated_model_names().get(name, name)
    elif scheme == 'mmcls':
        known = get_mmcls_models()
    else:
        raise WeightsError(f'{address}: cannot be read from {scheme}://: download it and give the path of the file')
    url = known.get(name)
    if not url or not url.startswith('http'):
        raise WeightsError(f'{address}: mmengine knows no such weights: give the path of a file')
    return url
