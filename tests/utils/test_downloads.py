"""Addresses of weights: what they stand for, and the SHA-256 that a download must have."""

from http.client import IncompleteRead, InvalidURL
from pathlib import Path

import pytest
import torch

from mmcrowd.utils.downloads import fetch_weights, is_address
from mmcrowd.utils.errors import WeightsError
from mmcrowd.utils.weights import file_sha256, read_weights


@pytest.fixture
def downloads(tmp_path, monkeypatch):
    """The cache of torch.hub in a folder of the test, and what is asked of it."""
    asked = []

    def download(url, path, prefix, progress):
        asked.append((url, prefix))
        torch.save(dict(a=torch.ones(1)), path)

    monkeypatch.setattr('torch.hub.get_dir', lambda: str(tmp_path))
    monkeypatch.setattr('torch.hub.download_url_to_file', download)
    return asked


@pytest.mark.parametrize(
    ('path', 'answer'),
    [
        ('a/b.pth', False),
        ('C:\\b.pth', False),
        ('https://x/b.pth', True),
        ('torchvision://r', True),
        (Path('b'), False),
    ],
)
def test_is_address(path, answer):
    assert is_address(path) is answer


@pytest.mark.parametrize(
    ('address', 'name', 'prefix'),
    [
        ('torchvision://resnet50', 'resnet50-0676ba61.pth', '0676ba61'),
        ('https://host/a-b/vgg16_bn-6c64b313.pth?x=1', 'vgg16_bn-6c64b313.pth', '6c64b313'),
        ('open-mmlab://msra/hrnetv2_w48', 'hrnetv2_w48-d2186c55.pth', 'd2186c55'),
    ],
)
def test_downloads_once(address, name, prefix, downloads, tmp_path):
    assert fetch_weights(address) == (tmp_path / 'checkpoints' / name, prefix)
    fetch_weights(address)
    assert len(downloads) == 1
    assert downloads[0][1] == prefix


def test_the_cached_file_is_compared(downloads, tmp_path):
    """A download that was changed since, or that was there under this name, is refused."""
    file = tmp_path / 'checkpoints' / 'w-00000000.pth'
    with pytest.raises(
        WeightsError, match=rf'^https://host/w-00000000.pth: its SHA-256 is .*, expected 00000000: delete {file}, and'
    ):
        read_weights('https://host/w-00000000.pth')
    digest = file_sha256(tmp_path / 'checkpoints' / 'w-00000000.pth')
    (tmp_path / 'checkpoints' / 'w-00000000.pth').rename(tmp_path / 'checkpoints' / 'w.pth')
    assert read_weights('https://host/w.pth', sha256=digest)['a'] == 1


@pytest.mark.parametrize(
    ('address', 'message'),
    [
        ('https://host/w.pth', 'states no SHA-256'),
        ('torchvision://gone', 'mmengine knows no such weights'),
        ('s3://bucket/w-0123abcd.pth', 'cannot be read from s3://'),
    ],
)
def test_refused(address, message, downloads):
    with pytest.raises(WeightsError, match=f'^{address}: .*{message}'):
        fetch_weights(address)
    assert not downloads


@pytest.mark.parametrize(
    'error', [OSError('no route'), InvalidURL('a blank'), ValueError('unknown url'), IncompleteRead(b'')]
)
def test_no_way_to_the_host(downloads, monkeypatch, error):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr('torch.hub.download_url_to_file', fail)
    with pytest.raises(WeightsError, match=r'^https://host/w-0123abcd.pth: cannot be downloaded \((?!\)).*: check the'):
        fetch_weights('https://host/w-0123abcd.pth')


def test_no_address():
    with pytest.raises(WeightsError, match=r'^https://\[host/w-0123abcd.pth: is no address'):
        fetch_weights('https://[host/w-0123abcd.pth')
