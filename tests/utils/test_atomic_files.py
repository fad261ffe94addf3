"""Files that are whole or not there."""

import os
import stat

import pytest

from mmcrowd.utils.atomic_files import left_over, write_atomic


def test_the_file_and_then_its_name_reach_the_disk(tmp_path, monkeypatch):
    order = []
    sync, replace = os.fsync, os.replace
    kind = {True: 'folder', False: 'file'}
    monkeypatch.setattr(os, 'fsync', lambda fd: (order.append(kind[stat.S_ISDIR(os.fstat(fd).st_mode)]), sync(fd)))
    monkeypatch.setattr(os, 'replace', lambda *paths: (order.append('rename'), replace(*paths)))
    write_atomic(tmp_path / 'new' / 'a.bin', b'all')
    assert order == ['file', 'rename', 'folder']
    assert [path.name for path in (tmp_path / 'new').iterdir()] == ['a.bin']


@pytest.mark.parametrize('broken', ['fsync', 'replace'])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, broken):
    path = tmp_path / 'a.bin'
    write_atomic(path, b'old')

    def disk_full(*args):
        raise OSError('disk full')

    monkeypatch.setattr(os, broken, disk_full)
    with pytest.raises(OSError, match='disk full'):
        write_atomic(path, b'new')
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {'a.bin': b'old'}


def test_a_folder_that_cannot_be_synced_is_no_error(tmp_path, monkeypatch):
    sync = os.fsync

    def no_folders(fd):
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError('not supported')
        sync(fd)

    monkeypatch.setattr(os, 'fsync', no_folders)
    write_atomic(tmp_path / 'a.bin', b'all')
    assert (tmp_path / 'a.bin').read_bytes() == b'all'


def test_left_over(tmp_path):
    for name in ('.a.pth.tmp', 'b.pth.tmp', '.c.pth'):
        (tmp_path / name).touch()
    assert list(left_over(tmp_path)) == [(tmp_path / '.a.pth.tmp', 'a.pth')]
