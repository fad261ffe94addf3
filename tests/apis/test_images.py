"""Reading a user's images."""

import cv2
import numpy as np
import pytest
from PIL import Image

from mmcrowd.apis import ImageReadError, list_images, read_image
from mmcrowd.apis.images import check_array


def test_a_folder_stands_for_its_images_by_name(tmp_path) -> None:
    for name in ('b.PNG', 'a.jpg', 'notes.txt', 'c.tiff'):
        (tmp_path / name).touch()
    (tmp_path / 'folder.jpg').mkdir()
    assert list_images(tmp_path) == [str(tmp_path / name) for name in ('a.jpg', 'b.PNG', 'c.tiff')]
    assert list_images(str(tmp_path / 'a.jpg')) == [str(tmp_path / 'a.jpg')]


def test_no_image_is_an_error_that_names_the_place(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match=r'nowhere: no such file or folder'):
        list_images(tmp_path / 'nowhere')
    (tmp_path / 'notes.txt').touch()
    with pytest.raises(FileNotFoundError, match=f'{tmp_path}: no image in this folder'):
        list_images(tmp_path)
    with pytest.raises(FileNotFoundError, match=r'nowhere\.jpg: no such file'):
        read_image(tmp_path / 'nowhere.jpg')


@pytest.mark.parametrize('content', [b'', b'this is not an image', b'\xff\xd8\xff\xe0 truncated'])
def test_an_undecodable_file_is_an_error_that_names_it(tmp_path, content: bytes) -> None:
    path = tmp_path / 'bad.jpg'
    path.write_bytes(content)
    with pytest.raises(ImageReadError, match=rf'bad\.jpg: this file of {len(content)} bytes cannot be decoded'):
        read_image(path)


@pytest.mark.parametrize('mode', ['L', 'RGB', 'RGBA', 'CMYK', 'P', '1'])
def test_images_of_any_mode_become_bgr(tmp_path, mode: str) -> None:
    path = tmp_path / ('image.tif' if mode == 'CMYK' else 'image.png')
    Image.new('RGB', (7, 5), (255, 255, 255)).convert(mode).save(path)
    image = read_image(path)
    assert image.shape == (5, 7, 3)
    assert image.dtype == np.uint8


def test_images_are_turned_upright(tmp_path) -> None:
    picture = Image.new('RGB', (7, 5))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(tmp_path / 'turned.jpg', exif=exif)
    assert read_image(tmp_path / 'turned.jpg').shape == (7, 5, 3)


def test_paths_need_not_be_ascii(tmp_path) -> None:
    path = tmp_path / 'Straße 人群.png'
    path.write_bytes(cv2.imencode('.png', np.zeros((5, 7, 3), np.uint8))[1].tobytes())
    assert read_image(path).shape == (5, 7, 3)


@pytest.mark.parametrize(
    'image', [np.zeros((5, 7)), np.zeros((5, 7, 3)), np.zeros((5, 7, 4), np.uint8), np.zeros((0, 7, 3), np.uint8)]
)
def test_arrays_are_checked(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r'expected an \(H, W, 3\) uint8 BGR image, found'):
        check_array(image)
