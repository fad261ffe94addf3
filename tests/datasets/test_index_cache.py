"""The index on disk: never stale, whole whatever happens, and no obstacle where it cannot be written."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from mmcrowd.datasets import IndexedDataset
from mmcrowd.datasets.crowd_dataset import make_heads
from mmcrowd.datasets.index_cache import IndexCache, cache_folder, fingerprint
from tests.datasets.fixtures.images import write_image


class Counted(IndexedDataset):
    """Reads one number per image from a text file, and counts how often."""

    reads = 0

    def __init__(self, data_root: str, extra: int = 0, **kwargs) -> None:
        self.extra = extra
        super().__init__(data_root, **kwargs)

    def read_samples(self) -> list[dict]:
        Counted.reads += 1
        self.notes['things seen'] = 3
        self.found_meta['classes'] = ['a', 'b']
        samples = []
        for path in sorted(Path(self.data_root).glob('*.txt')):
            points = [[float(path.read_text()), 1.0]] * (1 + self.extra)
            sample = dict(img_path=str(path.with_suffix('.png')), img_id=path.stem, heads=make_heads(points))
            if path.stem == '1':
                sample['ignore_boxes'] = np.ones((2, 4), np.float32)
            samples.append(sample)
        return samples


@pytest.fixture
def folder(tmp_path) -> Path:
    Counted.reads = 0
    for number in range(3):
        write_image(tmp_path / f'{number}.png')
        (tmp_path / f'{number}.txt').write_text(str(number + 5))
    return tmp_path


def xs(dataset: IndexedDataset) -> list[float]:
    return [dataset.get_data_info(i)['heads'][0, 0] for i in range(len(dataset))]


def test_read_once(folder):
    first, second = Counted(str(folder)), Counted(str(folder))
    assert Counted.reads == 1
    assert xs(first) == xs(second) == [5, 6, 7]
    assert second.metainfo['classes'] == ('a', 'b')
    assert second.notes == {'things seen': 3}
    assert 'ignore_boxes' not in second.get_data_info(0)
    assert second.get_data_info(1)['ignore_boxes'].shape == (2, 4)
    Counted(str(folder), cache=False)
    assert Counted.reads == 2


@pytest.mark.parametrize('change', ['content', 'time', 'new', 'gone', 'option', 'offset', 'outside', 'split'])
def test_whatever_changes_is_noticed(folder, change):
    Counted(str(folder))
    kwargs = dict(option=dict(extra=1), offset=dict(offset=1.0), outside=dict(outside='drop'), split=dict(split='test'))
    if change == 'content':
        stat = (folder / '0.txt').stat()
        (folder / '0.txt').write_text('55')
        os.utime(folder / '0.txt', ns=(stat.st_atime_ns, stat.st_mtime_ns))
    elif change == 'time':
        os.utime(folder / '0.txt', ns=(1, 1))
    elif change == 'new':
        write_image(folder / '9.png')
        (folder / '9.txt').write_text('3')
    elif change == 'gone':
        (folder / '0.txt').unlink()
    dataset = Counted(str(folder), **kwargs.get(change, {}))
    assert Counted.reads == 2
    expected = dict(content=[55, 6, 7], new=[5, 6, 7, 3], gone=[6, 7], offset=[6, 7, 8]).get(change, [5, 6, 7])
    assert xs(dataset) == expected


def test_subset_uses_the_index_of_the_whole(folder):
    Counted(str(folder))
    parts = [xs(Counted(str(folder), subset=subset, val_split=0.4)) for subset in ('train', 'val')]
    assert Counted.reads == 1
    assert sorted(parts[0] + parts[1]) == [5, 6, 7]
    assert len(parts[1]) == 1


@pytest.mark.parametrize('content', [b'', b'PK\x03\x04 cut off', b'no index at all'])
def test_broken_index_is_made_again(folder, content):
    Counted(str(folder))
    (path,) = (cache_folder() / 'index').iterdir()
    path.write_bytes(content)
    assert xs(Counted(str(folder))) == [5, 6, 7]
    assert Counted.reads == 2
    Counted(str(folder))
    assert Counted.reads == 2


def test_old_index_is_replaced_not_kept_beside(folder):
    for number in range(3):
        (folder / '0.txt').write_text(str(number * 10 + 11))
        Counted(str(folder))
    assert len(list((cache_folder() / 'index').iterdir())) == 1


def test_index_among_the_data(folder, monkeypatch):
    monkeypatch.setenv('MMCROWD_CACHE', str(folder / 'cache'))
    Counted(str(folder))
    Counted(str(folder))
    assert Counted.reads == 1


def test_folder_that_cannot_be_written(folder, monkeypatch):
    (folder / 'file').touch()
    monkeypatch.setenv('MMCROWD_CACHE', str(folder / 'file' / 'cache'))
    assert xs(Counted(str(folder))) == xs(Counted(str(folder))) == [5, 6, 7]
    assert Counted.reads == 2


def _save(number: int) -> None:
    heads = np.full((20000, 6), number, np.float32)
    for _ in range(5):
        IndexCache('shared').save('content', [dict(img_path='a', heads=heads)], dict(number=number))


def test_several_processes(tmp_path):
    """Readers always find a whole index, of one writer."""
    _save(0)
    with ProcessPoolExecutor(3, mp_context=get_context('fork')) as pool:
        running = [pool.submit(_save, number) for number in range(1, 4)]
        while not all(task.done() for task in running):
            samples, state = IndexCache('shared').load('content')
            assert (samples[0]['heads'] == state['number']).all()
        for task in running:
            task.result()
    assert IndexCache('shared').load('another content') is None
    assert [path.suffix for path in (cache_folder() / 'index').iterdir()] == ['.npz']


def test_fingerprint(tmp_path):
    with pytest.raises(FileNotFoundError, match='no such file or folder'):
        fingerprint([tmp_path / 'nothing'])
    (tmp_path / 'a').mkdir()
    (tmp_path / 'a' / 'b').touch()
    before = fingerprint([tmp_path])
    assert before == fingerprint([tmp_path])
    (tmp_path / 'a' / 'b').rename(tmp_path / 'a' / 'c')
    assert fingerprint([tmp_path]) != before
    (tmp_path / 'dangling').symlink_to(tmp_path / 'nowhere')
    fingerprint([tmp_path])


def test_a_link_to_the_folder_it_is_in(tmp_path):
    (tmp_path / 'a.txt').write_text('1')
    (tmp_path / 'sub').mkdir()
    before = fingerprint([tmp_path])
    (tmp_path / 'sub' / 'up').symlink_to(tmp_path)
    (tmp_path / 'itself').symlink_to(tmp_path / 'itself')
    assert fingerprint([tmp_path]) == before
