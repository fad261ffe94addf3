"""The one reader of pictures: depth, colour, damage, limits. Orientation: ``tests/apis/test_orientation.py``."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from mmcrowd.utils.pictures import ImageReadError, from_pillow, image_size, read_header, read_image, to_uint8

RAMP = np.linspace(0, 1, 256)[None].repeat(8, 0)


def chunk(kind: bytes, content: bytes = b'') -> bytes:
    return struct.pack('>I', len(content)) + kind + content + struct.pack('>I', zlib.crc32(kind + content))


def png(*chunks: bytes, size: tuple[int, int] = (60000, 60000)) -> bytes:
    head = chunk(b'IHDR', struct.pack('>IIBBBBB', *size, 8, 2, 0, 0, 0))
    return b'\x89PNG\r\n\x1a\n' + head + b''.join(chunks) + chunk(b'IEND')


@pytest.mark.parametrize('suffix', ['png', 'tif'])
@pytest.mark.parametrize('shape', [(8, 256), (8, 256, 3), (8, 256, 4)])
@pytest.mark.parametrize('bits', [8, 10, 12, 14, 16])
def test_samples_of_a_camera_are_as_bright_as_they_should_be(tmp_path, suffix: str, shape: tuple, bits: int) -> None:
    samples = (RAMP * (2**bits - 1)).astype(np.uint16)
    samples = samples if len(shape) == 2 else samples[..., None].repeat(shape[2], 2)
    cv2.imwrite(str(tmp_path / f'a.{suffix}'), samples)
    pixels = read_image(tmp_path / f'a.{suffix}')
    assert pixels.shape == (8, 256, 3)
    np.testing.assert_array_equal(pixels[..., 0], samples.reshape(8, 256, -1)[..., 0] >> (bits - 8))
    assert read_header(tmp_path / f'a.{suffix}').notes == ['16 bits per sample, scaled to 8 by its largest value']


def test_sixteen_bits_of_a_portable_anymap(tmp_path) -> None:
    (tmp_path / 'a.pgm').write_bytes(b'P5\n256 8\n4095\n' + (RAMP * 4095).astype('>u2').tobytes())
    assert read_image(tmp_path / 'a.pgm')[0, [0, 128, 255], 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize('top', [1.0, 255.0])
@pytest.mark.parametrize('channels', [1, 3])
def test_floats_are_not_black(tmp_path, top: float, channels: int) -> None:
    samples = (RAMP * top).astype(np.float32)[..., None].repeat(channels, 2)
    options = [cv2.IMWRITE_TIFF_COMPRESSION, 1]
    cv2.imwrite(str(tmp_path / 'a.tif'), samples, options)
    np.testing.assert_allclose(read_image(tmp_path / 'a.tif')[0, :, -1], np.arange(256), atol=1)
    assert read_header(tmp_path / 'a.tif').bits == 32


def test_samples_that_are_no_numbers_are_refused(tmp_path) -> None:
    Image.fromarray(np.full((4, 4), np.nan, np.float32)).save(tmp_path / 'a.tif')
    with pytest.raises(ImageReadError, match=r'a\.tif: expected finite samples, found NaN'):
        read_image(tmp_path / 'a.tif')


def test_samples_are_converted_in_strips_that_meet(monkeypatch) -> None:
    samples = np.random.default_rng(0).integers(0, 2**12, (37, 20, 3), dtype=np.uint16)
    samples[0, 0] = 4095
    monkeypatch.setattr('mmcrowd.utils.pictures._STRIP', 300)
    np.testing.assert_array_equal(to_uint8(samples), samples >> 4)


@pytest.mark.parametrize(
    ('suffix', 'mode'),
    [
        (suffix, mode)
        for suffix, modes in dict(png='L P 1 RGBA LA', tif='L P 1 RGBA CMYK', bmp='L P 1 RGBA', jpg='L CMYK').items()
        for mode in modes.split()
    ]
    + [('gif', 'L'), ('gif', 'P'), ('webp', 'RGBA')],
)
def test_colours_of_any_kind_of_picture(tmp_path, suffix: str, mode: str) -> None:
    picture = Image.fromarray(np.uint8([[[0, 0, 0]] * 16, [[255, 255, 255]] * 16]).repeat(8, 0)).convert(mode)
    picture.save(tmp_path / f'a.{suffix}')
    pixels = read_image(tmp_path / f'a.{suffix}')
    assert pixels.shape == (16, 16, 3)
    assert pixels.dtype == np.uint8
    assert pixels[:6].max() < 10
    assert pixels[10:].min() > 245


@pytest.mark.parametrize('suffix', ['gif', 'webp', 'png', 'tif'])
def test_the_first_frame_is_taken_and_it_is_said(tmp_path, suffix: str) -> None:
    frames = [Image.new('RGB', (20, 10), colour) for colour in ('red', 'blue')]
    frames[0].save(tmp_path / f'a.{suffix}', save_all=True, append_images=frames[1:])
    np.testing.assert_allclose(read_image(tmp_path / f'a.{suffix}')[5, 5], (0, 0, 255), atol=3)
    assert 'only the first of its 2' in read_header(tmp_path / f'a.{suffix}').notes[0]


@pytest.mark.parametrize('suffix', ['jpg', 'png', 'webp', 'tif', 'bmp', 'ppm', 'gif', 'avif'])
@pytest.mark.parametrize('part', [0, 0.02, 0.5, 0.9])
def test_a_picture_that_is_cut_off_is_refused_by_name(tmp_path, suffix: str, part: float) -> None:
    buffer, noise = io.BytesIO(), np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, dict(jpg='jpeg', tif='tiff').get(suffix, suffix))
    (tmp_path / f'a.{suffix}').write_bytes(buffer.getvalue()[: int(len(buffer.getvalue()) * part)])
    with pytest.raises(ImageReadError, match=rf'a\.{suffix}: this file of \d+ bytes cannot be decoded'):
        read_image(tmp_path / f'a.{suffix}')


def test_a_hostile_header_is_refused_with_an_estimate_before_anything_is_decoded(tmp_path, monkeypatch) -> None:
    (tmp_path / 'a.png').write_bytes(png(chunk(b'IDAT')))
    monkeypatch.setattr(cv2, 'imdecode', None)
    assert image_size(tmp_path / 'a.png') == (60000, 60000)
    with pytest.raises(ImageReadError, match=r'a\.png: 60000 x 60000 pixels would take 10\.8 GB .* MMCROWD_MAX_PIXELS'):
        read_image(tmp_path / 'a.png')


def test_the_limit_can_be_set(tmp_path, monkeypatch) -> None:
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((5, 7, 3), np.uint8))
    with pytest.raises(ImageReadError, match='the limit is 34 pixels'):
        read_image(tmp_path / 'a.png', max_pixels=34)
    monkeypatch.setenv('MMCROWD_MAX_PIXELS', '30')
    with pytest.raises(ImageReadError, match='the limit is 30 pixels'):
        read_image(tmp_path / 'a.png')
    assert read_image(tmp_path / 'a.png', max_pixels=35).shape == (5, 7, 3)
    monkeypatch.setenv('MMCROWD_MAX_PIXELS', 'many')
    with pytest.raises(ValueError, match="MMCROWD_MAX_PIXELS='many': expected a whole number"):
        read_image(tmp_path / 'a.png')


def test_the_content_decides_what_a_picture_is(tmp_path) -> None:
    Image.new('RGB', (7, 5)).save(tmp_path / 'a.png')
    (tmp_path / 'a.png').rename(tmp_path / 'a.jpg')
    assert read_header(tmp_path / 'a.jpg').format == 'PNG'
    assert read_image(tmp_path / 'a.jpg').shape == (5, 7, 3)


@pytest.mark.filterwarnings('ignore:Corrupt EXIF')
def test_damaged_exif_data_turn_nothing(tmp_path) -> None:
    Image.new('RGB', (7, 5)).save(tmp_path / 'a.jpg', exif=b'Exif\0\0MM\0*\xff\xff\xff\xff')
    assert read_image(tmp_path / 'a.jpg').shape == (5, 7, 3)


def test_exif_data_behind_the_pixels_of_a_png_count(tmp_path) -> None:
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    Image.new('RGB', (7, 5)).save(buffer, 'png')
    end = len(chunk(b'IEND'))
    data = buffer.getvalue()[:-end] + chunk(b'eXIf', exif.tobytes().removeprefix(b'Exif\0\0')) + chunk(b'IEND')
    (tmp_path / 'a.png').write_bytes(data)
    assert image_size(tmp_path / 'a.png') == (5, 7)
    assert read_image(tmp_path / 'a.png').shape == (7, 5, 3)


def test_a_tiff_whose_pages_lead_in_a_circle(tmp_path) -> None:
    Image.new('L', (7, 5)).save(tmp_path / 'a.tif')
    data = bytearray((tmp_path / 'a.tif').read_bytes())
    place = struct.unpack('<I', data[4:8])[0]
    end = place + 2 + 12 * struct.unpack('<H', data[place : place + 2])[0]
    data[end : end + 4] = struct.pack('<I', place)
    (tmp_path / 'a.tif').write_bytes(data)
    assert read_header(tmp_path / 'a.tif').frames == 1


@pytest.mark.parametrize('suffix', ['jpg', 'png', 'tif', 'webp'])
@pytest.mark.parametrize('orientation', range(1, 9))
def test_a_picture_that_pillow_opened_is_the_one_that_is_read(tmp_path, suffix: str, orientation: int) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (2, 3, 3), dtype=np.uint8).repeat(16, 0).repeat(16, 1)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(colours).save(tmp_path / f'a.{suffix}', exif=exif, quality=100)
    with Image.open(tmp_path / f'a.{suffix}') as picture:
        pixels = from_pillow(picture)
    assert pixels.shape == ((32, 48, 3) if orientation < 5 else (48, 32, 3))
    assert pixels.flags.c_contiguous
    np.testing.assert_allclose(
        pixels[8::16, 8::16].astype(int), read_image(tmp_path / f'a.{suffix}')[8::16, 8::16], atol=3
    )


def test_a_picture_of_pillow_that_is_cut_off_is_refused(tmp_path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(tmp_path / 'a.jpg')
    (tmp_path / 'a.jpg').write_bytes((tmp_path / 'a.jpg').read_bytes()[:2000])
    with Image.open(tmp_path / 'a.jpg') as picture, pytest.raises(ImageReadError, match=r'a\.jpg: image file is trunc'):
        from_pillow(picture)
