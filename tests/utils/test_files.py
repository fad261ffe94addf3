"""Which files are data, and how their names are written down."""

import csv
import json
import os
import time
import unicodedata
from pathlib import Path

import pytest

from mmcrowd.apis import list_images
from mmcrowd.apis.images import describe, look_into
from mmcrowd.datasets.layout import image_files
from mmcrowd.utils.files import (
    IMAGE_SUFFIXES,
    csv_cell,
    find_images,
    is_hidden,
    is_image_name,
    picture_names,
    printable,
)

HIDDEN = ('._a.jpg', '.DS_Store', 'Thumbs.db', 'desktop.ini', '__MACOSX/a.jpg', '.git/a.jpg')


@pytest.mark.parametrize('name', HIDDEN)
def test_what_file_managers_leave_behind_is_hidden(name: str) -> None:
    assert is_hidden(name)
    assert not is_hidden(f'../{name[1:]}.jpg')


def test_every_way_into_a_folder_finds_the_same_pictures(tmp_path) -> None:
    names = [f'{number:02}{suffix}' for number, suffix in enumerate(IMAGE_SUFFIXES)]
    for name in [*names, 'notes.txt', *HIDDEN]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    expected = [tmp_path / name for name in names]
    assert [Path(path) for path in list_images(tmp_path)] == expected
    assert list(image_files(tmp_path).values()) == expected
    assert find_images(tmp_path) == expected
    assert is_image_name('A.JPEG')


def test_what_is_left_out_of_a_folder_is_counted_by_kind(tmp_path) -> None:
    for name in ('a.jpg', 'b.mov', 'c.MOV', 'README', *HIDDEN[:4]):
        (tmp_path / name).touch()
    (tmp_path / 'more').mkdir()
    (tmp_path / 'gone.jpg').symlink_to(tmp_path / 'nowhere.jpg')
    (tmp_path / 'itself').symlink_to(tmp_path / 'itself')
    (tmp_path / 'nowhere').symlink_to(tmp_path / 'nowhere.txt')
    os.mkfifo(tmp_path / 'pipe.jpg')
    images, left_out = look_into(tmp_path)
    assert images == [str(tmp_path / name) for name in ('a.jpg', 'gone.jpg')]
    assert left_out == {
        '.mov file': 2,
        'broken link': 2,
        'folder': 1,
        'file without ending': 1,
        'special file': 1,
    }
    for name in ('a.jpg', 'gone.jpg'):
        (tmp_path / name).unlink()
    with pytest.raises(
        FileNotFoundError, match=r'no image in this folder \(found 2 x \.mov file, 2 x broken link, file'
    ):
        look_into(tmp_path)
    assert describe({'folder': 1200, '.mov file': 1}) == '1,200 x folder, .mov file'


def test_a_link_to_its_own_folder_is_walked_once(tmp_path) -> None:
    (tmp_path / 'a.jpg').touch()
    (tmp_path / 'round').symlink_to(tmp_path)
    assert find_images(tmp_path) == [tmp_path / 'a.jpg']


@pytest.mark.parametrize(
    ('name', 'text'),
    [
        ('plain 人群 é.jpg', 'plain 人群 é.jpg'),
        (os.fsdecode(b'caf\xe9.jpg'), r'caf\xe9.jpg'),
        ('two\nlines\r.jpg', r'two\nlines\r.jpg'),
        ('nul\x00esc\x1b.jpg', r'nul\x00esc\x1b.jpg'),
        ('lone \ud800.jpg', r'lone \ud800.jpg'),
        ('row\u2028end.jpg', r'row\u2028end.jpg'),
        ('<script>"\'&.jpg', '<script>"\'&.jpg'),
    ],
)
def test_any_name_can_be_written(name: str, text: str) -> None:
    assert printable(name) == text
    assert json.loads(json.dumps(printable(name)).encode()) == text
    assert '\n' not in printable(name)


@pytest.mark.parametrize('name', ['=1+1.jpg', '+a.jpg', '-a.jpg', '@a.jpg', '\t=1.jpg', os.fsdecode(b'=\xff.jpg')])
def test_no_name_is_a_formula(tmp_path, name: str) -> None:
    with (tmp_path / 'table.csv').open('w', newline='', encoding='utf-8') as file:
        csv.writer(file).writerow([csv_cell(name)])
    with (tmp_path / 'table.csv').open(newline='', encoding='utf-8') as file:
        (cell,) = next(csv.reader(file))
    assert not cell.startswith(('=', '+', '-', '@', '\t', '\r'))
    assert cell.endswith(printable(name))


def test_a_picture_is_called_as_its_image() -> None:
    assert picture_names(['x/a.png', 'x/b.tar.jpg', 'x/a.png']) == {'x/a.png': 'a.jpg', 'x/b.tar.jpg': 'b.tar.jpg'}


@pytest.mark.parametrize(
    'paths',
    [
        ['d/a.jpg', 'd/a.jpg.png', 'd/A.JPG', 'd/a.png', 'd/x.webp', 'd/x.webp.jpg'],
        ['v1/0001.jpg', 'v2/0001.jpg', 'v2/v1_0001.jpg', 'v1/0001.png'],
        ['a/v/1.jpg', 'b/v/1.jpg', 'b/v/1.png'],
        ['d/a.jpg', 'd/a_1.jpg', 'd/A.jpg', 'd/A.JPG', 'd/a.JPG'],
        ['d/\u00e9.jpg', 'd/e\u0301.jpg'],
        ['d/a?.jpg', 'd/a_.jpg', 'd/a:.jpg'],
        [f'd/{"n" * 240}{end}.jpg' for end in ('', 1, 2)],
        [os.fsdecode(b'd/caf\xe9.jpg'), os.fsdecode(b'd/caf\xe8.jpg'), r'd/caf\xe9.jpg'],
        ['..', '.', '/', ''],
    ],
)
def test_no_picture_replaces_another(paths: list[str]) -> None:
    names = picture_names(paths)
    assert list(names) == paths
    assert len({unicodedata.normalize('NFC', name).casefold() for name in names.values()}) == len(paths)
    for name in names.values():
        assert name.endswith('.jpg')
        assert len(name.encode()) <= 255
        assert not set('/\\:*?"<>|\n') & set(name)


def test_naming_takes_time_in_proportion() -> None:
    """Four times the names, all of one stem: 16 times the time for a rule that looks at every pair."""

    def seconds(number: int) -> float:
        paths = [f'{i // 10}/{i % 10}/0001.jpg' for i in range(number)]
        start = time.process_time()
        assert len(set(picture_names(paths).values())) == number
        return time.process_time() - start

    assert seconds(12_000) < 9 * seconds(3_000)
