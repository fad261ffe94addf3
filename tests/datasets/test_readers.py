"""Readers of files and finders of folders: what they accept, and what they say of what they do not."""

import sys

import numpy as np
import pytest
from scipy.io import savemat

from mmcrowd.datasets.layout import existing_file, existing_folder, image_files, number_of
from mmcrowd.datasets.readers import (
    as_rows,
    mat_points,
    mat_value,
    read_json,
    read_lines,
    read_mat,
    read_numbers,
    read_xml,
    short,
)
from mmcrowd.datasets.roi import read_mask
from tests.datasets.fixtures.images import write_image


@pytest.mark.parametrize('empty', [[], np.zeros((0, 0)), np.zeros((2, 0)), np.zeros((0, 4))])
def test_any_empty_array_is_no_rows(empty):
    assert as_rows('a', empty, 2).shape == (0, 2)


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16, np.int32, np.float32, bool])
def test_rows_are_floats(dtype):
    assert as_rows('a', np.ones((3, 2), dtype), 2).dtype == np.float64


@pytest.mark.parametrize('rows', [[1, 2], [[1, 2, 3]], [[[1, 2]]]])
def test_rows_of_another_shape(rows):
    with pytest.raises(ValueError, match=r'a\.mat: expected points as an \(N, 2\) array, found shape'):
        as_rows('a.mat', rows, 2)


def test_matlab_values(tmp_path):
    path = tmp_path / 'a.mat'
    savemat(path, dict(info=dict(inner=dict(points=np.ones((3, 2)))), text='head'))
    assert mat_points(path, 'info', 'inner', 'points').shape == (3, 2)
    content = read_mat(path)
    for names, message in (
        (('points',), r"a\.mat: expected 'points' in the file, found \['info', 'text'\]"),
        (('info', 'other'), r"a\.mat: expected 'other' in info, found \['inner'\]"),
        (('text', 'x'), r"a\.mat: expected 'x' in text, found \[\]"),
        (('text',), r'a\.mat: expected numbers in text'),
    ):
        with pytest.raises(ValueError, match=message):
            mat_value(path, content, *names)
    savemat(path, dict(BW=np.ones(3)[:, None, None] * np.ones((1, 2, 2))))
    with pytest.raises(ValueError, match=r'a\.mat: expected an \(H, W\) mask in BW, found shape \(3, 2, 2\)'):
        read_mask(path)


@pytest.mark.parametrize('content', [b'', b'no matlab file', b'\x89HDF\r\n\x1a\n and nothing'])
def test_broken_matlab_files_are_named(tmp_path, content):
    if content.startswith(b'\x89HDF'):
        pytest.importorskip('h5py')
    path = tmp_path / 'a.mat'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'a\.mat: expected a MATLAB'):
        read_mat(path)


def test_missing_packages_are_named(tmp_path, monkeypatch):

    (tmp_path / 'a.mat').write_bytes(b'MATLAB 7.3'.ljust(512) + b'\x89HDF\r\n\x1a\n')
    (tmp_path / 'a.xml').write_text('<a/>')
    for name in ('h5py', 'defusedxml'):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r'a\.mat: a MATLAB 7\.3 file, reading it takes h5py: pip install h5py'):
        read_mat(tmp_path / 'a.mat')
    with pytest.raises(ImportError, match=r'a\.xml: reading XML safely takes defusedxml: pip install defusedxml'):
        read_xml(tmp_path / 'a.xml')


def test_a_whole_file_is_a_line_in_a_message():
    item = dict(id=1, size=[4, 6], name='a' * 99)
    assert short(dict(images=[item] * 2, sizes=[1, 2])) == "{'images': [{...}, {...}], 'sizes': [1, 2]}"


def test_text(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_bytes(b'\xef\xbb\xbf1 2\r\n\r\n 3\t4 \n')
    assert read_lines(path) == ['1 2', '3\t4']
    assert read_numbers(path, 2).tolist() == [[1, 2], [3, 4]]
    path.write_bytes(b'')
    assert read_numbers(path, 2).shape == (0, 2)
    path.write_bytes(b'5 6')
    assert read_numbers(path, 2).shape == (1, 2)
    path.write_bytes(b'1 2\n3\n')
    with pytest.raises(ValueError, match=r"a\.txt, line 2: expected 2 numbers, found '3'"):
        read_numbers(path, 2)
    path.write_bytes(b'\xff\xfe1')
    with pytest.raises(ValueError, match=r'a\.txt, line 1: expected text in UTF-8'):
        read_lines(path)
    path.write_text('{"a": [1,\n}')
    with pytest.raises(ValueError, match=r'a\.txt: expected a JSON file.*line 2'):
        read_json(path)


def test_folders(tmp_path):
    (tmp_path / 'b').mkdir()
    (tmp_path / 'b' / 'c.txt').touch()
    assert existing_folder(tmp_path, 'a', 'b') == tmp_path / 'b'
    assert existing_file(tmp_path, 'a.txt', 'b/c.txt') == tmp_path / 'b' / 'c.txt'
    with pytest.raises(FileNotFoundError, match='expected a folder named x or y in it, found none'):
        existing_folder(tmp_path, 'x', 'y')
    with pytest.raises(FileNotFoundError, match=r'expected a file named x\.txt in it, found none'):
        existing_file(tmp_path, 'x.txt')


def test_numbers_in_names(tmp_path):
    assert number_of(tmp_path / 'img_0012.jpg') == 12
    assert number_of(tmp_path / '7_ann.mat', '_ann') == 7
    with pytest.raises(ValueError, match=r'img_x_ann\.mat: expected a file name with a number at its end, before _ann'):
        number_of(tmp_path / 'img_x_ann.mat', '_ann')


def test_image_files(tmp_path):
    for name in ('b.jpg', 'a.PNG', 'c.txt'):
        write_image(tmp_path / name) if name != 'c.txt' else (tmp_path / name).touch()
    assert list(image_files(tmp_path)) == ['a', 'b']
    write_image(tmp_path / 'b.png')
    with pytest.raises(ValueError, match=r'b\.png: expected images of different names, found b\.jpg beside it'):
        image_files(tmp_path)
    with pytest.raises(FileNotFoundError, match='folder not found'):
        image_files(tmp_path / 'no')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(FileNotFoundError, match='expected images'):
        image_files(tmp_path / 'empty')
