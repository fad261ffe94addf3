"""Folders of images to pictures and files."""

import json

import cv2
import pytest
from spots import spots_image

from mmcrowd.apis import ImageReadError, predict_folder


@pytest.fixture
def photos(tmp_path):
    """Two images that share a stem, one of another stem."""
    folder = tmp_path / 'photos'
    folder.mkdir()
    for name, white in (('a.png', []), ('a.bmp', [(3, 4)]), ('b.png', [(3, 4), (9, 9)])):
        cv2.imwrite(str(folder / name), spots_image(white))
    return folder


def test_every_image_gets_a_picture_and_a_row(crowd, photos, tmp_path) -> None:
    out = tmp_path / 'out'
    results, failures = predict_folder(crowd(), photos, out)
    assert not failures
    assert [result.count for result in results] == [1, 0, 2]
    assert {file.name for file in out.iterdir()} == {
        'a.bmp.jpg',
        'a.png.jpg',
        'b.jpg',
        'predictions.json',
        'counts.csv',
    }
    assert cv2.imread(str(out / 'b.jpg')).shape == (40, 70, 3)
    assert [entry['count'] for entry in json.loads((out / 'predictions.json').read_text())] == [1, 0, 2]


def test_a_single_image(crowd, photos, tmp_path) -> None:
    results, _ = predict_folder(crowd(), photos / 'b.png', tmp_path / 'out', with_boxes=True)
    assert [result.count for result in results] == [2]


def test_unreadable_files_are_reported_and_left_out(crowd, photos, tmp_path) -> None:
    (photos / 'bad.jpg').write_text('no image')
    results, failures = predict_folder(crowd(), photos, tmp_path / 'out')
    assert len(results) == 3
    assert len(failures) == 1
    assert 'bad.jpg: this file of 8 bytes' in failures[0]


@pytest.mark.parametrize(
    ('number', 'message'), [(1, r'0\.jpg: this file'), (2, 'none of its files is a readable image')]
)
def test_no_readable_image_is_an_error(crowd, tmp_path, number: int, message: str) -> None:
    folder = tmp_path / 'bad'
    folder.mkdir()
    for i in range(number):
        (folder / f'{i}.jpg').write_text('no image')
    with pytest.raises(ImageReadError, match=message):
        predict_folder(crowd(), folder, tmp_path / 'out')


def test_a_picture_that_cannot_be_written_is_an_error(crowd, photos, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(cv2, 'imwrite', lambda *args: False)
    with pytest.raises(OSError, match=r'\.jpg: the picture could not be written'):
        predict_folder(crowd(), photos, tmp_path / 'out')


def test_input_images_are_never_replaced(crowd, tmp_path) -> None:
    photo = tmp_path / 'a.jpg'
    cv2.imwrite(str(photo), spots_image([]))
    before = photo.read_bytes()
    with pytest.raises(ValueError, match='would replace an input image'):
        predict_folder(crowd(), photo, tmp_path)
    assert photo.read_bytes() == before
