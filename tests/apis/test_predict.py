"""Folders of images to pictures and files."""

import csv
import errno
import json
import os
import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from spots import spots_image

from mmcrowd.apis import CrowdResult, ImageReadError, ResultFiles, predict_folder
from mmcrowd.apis.result_files import read_rows
from mmcrowd.utils.files import printable


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
        'run.json',
    }
    assert cv2.imread(str(out / 'b.jpg')).shape == (40, 70, 3)
    assert [entry['count'] for entry in json.loads((out / 'predictions.json').read_text())] == [1, 0, 2]


def test_a_single_image(crowd, photos, tmp_path) -> None:
    results, _ = predict_folder(crowd(), photos / 'b.png', tmp_path / 'out', styles=['points', 'boxes'])
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


def test_input_images_are_never_replaced(crowd, tmp_path) -> None:
    photo = tmp_path / 'a.jpg'
    cv2.imwrite(str(photo), spots_image([]))
    before = photo.read_bytes()
    with pytest.raises(ValueError, match='would replace an input image'):
        predict_folder(crowd(), photo, tmp_path)
    assert photo.read_bytes() == before


def numbers(out: Path) -> list[int]:
    """Counts by both files, which agree and are valid."""
    with (out / 'counts.csv').open(newline='', encoding='utf-8') as file:
        counts = [int(row['count']) for row in csv.DictReader(file)]
    assert [row['count'] for row in json.loads((out / 'predictions.json').read_text())] == counts
    return counts


@pytest.fixture
def stopping(crowd):
    """An inferencer that is stopped, as by Ctrl-C, when it comes to an image."""
    model = crowd()
    find = model.predict_batch

    def predict_batch(images, return_map, paths):
        if any(Path(path).name == model.stop_at for path in paths):
            raise KeyboardInterrupt
        model.seen += [Path(path).name for path in paths]
        return find(images, return_map, paths)

    model.predict_batch, model.seen, model.stop_at = predict_batch, [], ''
    return model


def test_a_run_that_is_stopped_keeps_its_numbers_and_goes_on(stopping, photos, tmp_path) -> None:
    out, stopping.stop_at = tmp_path / 'out', 'b.png'
    with pytest.raises(KeyboardInterrupt):
        predict_folder(stopping, photos, out)
    assert numbers(out) == [1, 0]
    with (out / 'predictions.json').open('r+b') as file:
        file.truncate(file.seek(0, os.SEEK_END) - 9)  # killed while it wrote
    stopping.seen, stopping.stop_at = [], ''
    results, _ = predict_folder(stopping, photos, out, resume=True)
    assert stopping.seen == ['a.png', 'b.png']
    assert numbers(out) == [result.count for result in results] == [1, 0, 2]
    np.testing.assert_allclose(results[0].points, [[3.5, 4.5]])


def test_rows_are_written_again_as_they_were(tmp_path) -> None:
    none = np.zeros((0, 4), np.float32)
    found = dict(points=none[:, :2], scores=none[:, 0], boxes=none, image_path='a.png', size=(8, 6))
    files = ResultFiles(tmp_path)
    files.add(CrowdResult(**found, count=0, interval=(0, 4)))
    files.add(CrowdResult(**found, count=1.5, has_points=False, counts=dict(second=2.0)))
    before = files.predictions.read_bytes()
    ResultFiles(tmp_path, read_rows(tmp_path))
    assert files.predictions.read_bytes() == before


def test_another_model_or_threshold_is_not_gone_on_with(crowd, photos, tmp_path) -> None:
    predict_folder(crowd(), photos, tmp_path / 'out')
    with pytest.raises(ValueError, match=r'made with another score threshold \(None, now 0\.5\)'):
        predict_folder(crowd(score_thr=0.5), photos, tmp_path / 'out', resume=True)
    with pytest.raises(ValueError, match=r'made with another scale \(1\.0, now 0\.5\)'):
        predict_folder(crowd(scale=0.5), photos, tmp_path / 'out', resume=True)
    with pytest.raises(ValueError, match='made with another model'):
        predict_folder(crowd(resize=2.0), photos, tmp_path / 'out', resume=True)
    other = crowd()
    torch.nn.init.ones_(other.model.bias)
    with pytest.raises(ValueError, match='made with another weights'):
        predict_folder(other, photos, tmp_path / 'out', resume=True)
    (tmp_path / 'out' / 'predictions.json').write_text('[1,\n 2]\n')
    with pytest.raises(ValueError, match=r'predictions\.json, line 1: expected the result of an image'):
        predict_folder(crowd(), photos, tmp_path / 'out', resume=True)


def test_images_that_are_gone_take_their_results_with_them(crowd, photos, tmp_path) -> None:
    predict_folder(crowd(), photos, tmp_path / 'out')
    (photos / 'a.bmp').unlink()
    results, _ = predict_folder(crowd(), photos, tmp_path / 'out', resume=True)
    assert [Path(result.image_path).name for result in results] == ['a.png', 'b.png']


def one_head(name: str) -> CrowdResult:
    return CrowdResult(np.ones((1, 2)), np.ones(1), np.full((1, 4), np.nan), 1, name, (70, 40))


def test_a_full_disk_leaves_what_fitted(tmp_path, monkeypatch) -> None:
    files = ResultFiles(tmp_path)
    files.add(one_head('a.jpg'))
    for growing in (files._list, files._table):
        write, left = growing._file.write, [20]

        def scarce(content, write=write, left=left):
            if len(content) > 2 and not left[0]:
                raise OSError(errno.ENOSPC, 'No space left on device')
            part, left[0] = content[: left[0]] if left[0] else content, 0
            return write(part)

        growing._file = type(
            'Full', (), dict(write=staticmethod(scarce), seek=growing._file.seek, truncate=growing._file.truncate)
        )
    with pytest.raises(OSError, match=r'No space left on device: .*predictions\.json'):
        files.add(one_head('b.jpg'))
    assert numbers(tmp_path) == [1]


@pytest.mark.parametrize('batch_size', [1, 8])
@pytest.mark.parametrize('kind', ['hostile', 'lost', 'memory', 'torch'])
def test_one_picture_does_not_end_the_folder(crowd, photos, tmp_path, kind: str, batch_size: int) -> None:
    model, find = crowd(), crowd().predict_batch
    model.batch_size = batch_size
    if kind == 'hostile':
        (photos / 'a.jpg').write_bytes(
            b'\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\xea\x60\0\0\xea\x60\x08\x02\0\0\0\xd2\x82\xa8\xdf'
        )
    elif kind == 'lost':
        (photos / 'a.jpg').symlink_to('nowhere.jpg')
    else:
        (photos / 'a.jpg').write_bytes((photos / 'a.bmp').read_bytes())
        error = MemoryError() if kind == 'memory' else RuntimeError("DefaultCPUAllocator: can't allocate memory")

        def predict_batch(images, return_map, paths):
            if any(path.endswith('a.jpg') for path in paths):
                raise error
            return find(images, return_map, paths)

        model.predict_batch = predict_batch
    results, failures = predict_folder(model, photos, tmp_path / 'out')
    assert [result.count for result in results] == [1, 0, 2]
    assert len(failures) == 1
    assert failures[0].startswith(f'{photos}/a.jpg: ')


def test_our_own_faults_are_not_hidden(crowd, photos, tmp_path) -> None:
    model = crowd()
    model.predict_batch = lambda *args: 1 / 0
    with pytest.raises(ZeroDivisionError):
        predict_folder(model, photos, tmp_path / 'out')


NAMES = [
    *('a.jpg', 'a.jpg.png', 'A.JPG', 'a.png', 'x.webp', 'x.webp.jpg'),
    *('new\nline.png', '"quotes".png', '<script>alert(1)<script>.png', '=1+1.png', os.fsdecode(b'caf\xe9.png')),
]


def test_no_name_loses_an_image(crowd, tmp_path, monkeypatch) -> None:
    (tmp_path / 'photos').mkdir()
    monkeypatch.chdir(tmp_path / 'photos')
    for name in NAMES:
        Path(name).write_bytes(cv2.imencode('.png', spots_image([(3, 4)]))[1])
    out = tmp_path / 'out'
    results, failures = predict_folder(crowd(), '.', out)
    assert not failures
    assert numbers(out) == [1] * len(NAMES)
    assert len(list(out.glob('*.jpg'))) == len({file.name.casefold() for file in out.glob('*.jpg')}) == len(NAMES)
    assert sorted(row['image'] for row in read_rows(out)) == sorted(map(printable, NAMES))
    with (out / 'counts.csv').open(newline='', encoding='utf-8') as file:
        assert not any(row['image'].startswith('=') for row in csv.DictReader(file))
    results, _ = predict_folder(crowd(), '.', out, resume=True)
    assert len(results) == len(NAMES)


def test_a_large_picture_is_in_memory_once(crowd, tmp_path) -> None:
    cv2.imwrite(str(tmp_path / 'large.png'), np.zeros((3000, 4000, 3), np.uint8))
    model = crowd()
    size, peak = 3000 * 4000 * 3, []
    step = model.model.test_step

    def test_step(batch):
        peak.append(tracemalloc.get_traced_memory()[1])
        assert np.shares_memory(batch['inputs'][0].numpy(), model.pixels)
        return step(dict(batch, inputs=[batch['inputs'][0][:, :64, :64]]))

    prepare = model.prepare

    def remember(pixels, path):
        model.pixels = pixels
        return prepare(pixels, path)

    model.model.test_step, model.prepare = test_step, remember
    tracemalloc.start()
    try:
        predict_folder(model, tmp_path / 'large.png', tmp_path / 'out')
        peak.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
    assert max(peak) < 1.6 * size, 'bytes: the picture, and no second copy of it'


def test_no_pictures(crowd, photos, tmp_path) -> None:
    predict_folder(crowd(), photos, tmp_path / 'out', pictures=False)
    assert sorted(file.name for file in (tmp_path / 'out').iterdir()) == ['counts.csv', 'predictions.json', 'run.json']


def test_what_is_left_out_is_said(crowd, photos, tmp_path, caplog) -> None:
    (photos / 'clip.mov').touch()
    (photos / 'more').mkdir()
    (photos / '._a.png').touch()
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('mmcrowd.apis.predict.print_log', lambda text, *args: said.append(text))
        predict_folder(crowd(), photos, tmp_path / 'out')
    assert said == [f'{photos}: .mov file, folder left out']


def test_counts_have_two_decimals(crowd, photos, tmp_path) -> None:
    model = crowd(count_only=True)
    predict_folder(model, photos, tmp_path / 'out')
    assert [row['count'] for row in read_rows(tmp_path / 'out')] == [1.5, 0.5, 2.5]
    row = CrowdResult(np.zeros((0, 2)), np.zeros(0), np.zeros((0, 4)), 12.3456789, 'a.jpg', (7, 5)).to_dict()
    assert row['count'] == 12.35
