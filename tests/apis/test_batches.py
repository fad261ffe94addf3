"""Images that go through the network together: the same results as one by one, and no more in memory."""

import weakref

import cv2
import numpy as np
import pytest
from spots import spots_image

from mmcrowd.apis import CrowdInferencer, CrowdResult, ImageReadError
from mmcrowd.apis.batches import Picture, predict_files, predict_pictures
from mmcrowd.apis.export import rendered_crowd

HEADS = [(10, 5), (60, 30), (20, 8), (5, 30), (40, 12)]


def assert_same(found: CrowdResult, expected: CrowdResult) -> None:
    assert (found.count, found.size, found.image_path) == (expected.count, expected.size, expected.image_path)
    np.testing.assert_allclose(found.points, expected.points, atol=1e-3)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4)
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-2)


def passes(crowd: CrowdInferencer, monkeypatch) -> list[list[tuple[int, int]]]:
    """The shapes of the images of each pass through the network, as they come."""
    seen, step = [], crowd.model.test_step

    def test_step(batch):
        seen.append([tuple(image.shape[-2:]) for image in batch['inputs']])
        return step(batch)

    monkeypatch.setattr(crowd.model, 'test_step', test_step)
    return seen


def test_the_same_heads_as_one_by_one(monkeypatch) -> None:
    crowd = CrowdInferencer('crowd_lite', device='cpu', batch_size=8)
    image = rendered_crowd((120, 160))
    images = [image, np.rot90(image, 2), image[:, :130], image[:100, :150], np.rot90(image), image[:97, :129], image]
    images = [np.ascontiguousarray(image) for image in images]
    single = [crowd.predict(image) for image in images]
    seen = passes(crowd, monkeypatch)
    for found, expected in zip(crowd(images), single, strict=True):
        assert_same(found, expected)
    assert len({result.count for result in single}) > 3
    shapes = [(120, 160), (120, 160), (120, 130), (100, 150), (97, 129), (120, 160)]
    assert sorted(seen, key=len) == [[(160, 120)], shapes]  # all as if padded alone: to 128 x 160 pixels


def test_what_goes_together(crowd, monkeypatch) -> None:
    crowd = crowd()
    seen = passes(crowd, monkeypatch)
    shapes = [(40, 70), (64, 64), (33, 96), (40, 70), (64, 65), (64, 64)]
    for size, expected in ((1, 6), (2, 3), (8, 2)):
        crowd.batch_size = size
        seen.clear()
        results = crowd.predict_batch([spots_image(HEADS[:2], shape=shape) for shape in shapes])
        assert [result.size for result in results] == [shape[::-1] for shape in shapes]
        assert len(seen) == expected
        assert max(map(len, seen)) <= size
        assert all(len({(h > 32, w > 64) for h, w in batch}) == 1 for batch in seen)
    crowd.max_whole_pixels = 2 * 64 * 96  # a batch has no more either
    seen.clear()
    crowd.predict_batch([spots_image([], shape=(40, 70))] * 5)
    assert [len(batch) for batch in seen] == [2, 2, 1]


def test_images_in_tiles_go_alone(monkeypatch) -> None:
    crowd = CrowdInferencer('crowd_lite', device='cpu', batch_size=4)
    crowd.model.test_cfg.max_pixels = 120 * 160
    seen = passes(crowd, monkeypatch)
    image = rendered_crowd((128, 160))
    crowd([image, image, image[:120], image[:120]])
    assert sorted(map(len, seen)) == [1, 1, 2]


@pytest.mark.parametrize('kind', ['points', 'count', 'map'])
def test_every_kind_of_model(crowd, kind: str) -> None:
    model = crowd(count_only=kind == 'count')
    model.batch_size = 3
    results = model([spots_image(HEADS[:n]) for n in range(5)], return_map=kind == 'map')
    assert [result.count for result in results] == [n + 0.5 * (kind == 'count') for n in range(5)]
    if kind == 'map':
        assert [result.maps['white'].sum() for result in results] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(('batch_size', 'most'), [(1, 2), (3, 4)])
def test_no_more_is_held_than_a_batch(crowd, batch_size: int, most: int) -> None:
    model = crowd()
    model.batch_size, images, held = batch_size, [], []

    def pictures(number: int):
        for _ in range(number):
            image = spots_image(HEADS)
            images.append(weakref.ref(image))
            held.append(sum(image() is not None for image in images))
            yield Picture(None, image)
            del image

    assert all(picture.result.count == 5 for picture in predict_pictures(model, pictures(10)))
    assert max(held) <= most
    held.clear()
    model.max_whole_pixels = 40 * 70  # each is large: the next is not read before it is done
    assert len(list(predict_pictures(model, pictures(5)))) == 5
    assert max(held) <= 2
    held.clear()
    model.max_whole_pixels = 40 * 70 * 2  # as if the images were large: two at a time, and the next one read
    assert len(list(predict_pictures(model, pictures(10)))) == 10
    assert max(held) <= min(most, 3)


@pytest.fixture
def folder(tmp_path):
    """Images of 0 to 4 heads, the third of another size, and beside it a file that is none."""
    folder = tmp_path / 'photos'
    folder.mkdir()
    for number in range(5):
        shape = (40, 170) if number == 2 else (40, 70)
        cv2.imwrite(str(folder / f'{number}.png'), spots_image(HEADS[:number], shape=shape))
    (folder / '2a.png').write_text('no image')
    return folder


@pytest.mark.parametrize('batch_size', [1, 2, 4, 100])
def test_unreadable_images_do_not_break_a_batch(crowd, folder, batch_size: int) -> None:
    model = crowd()
    model.batch_size = batch_size
    paths = sorted(map(str, folder.iterdir()))
    pictures, reasons = zip(*predict_files(model, paths), strict=True)
    assert [picture.path for picture in pictures] == paths
    assert [picture.result and picture.result.count for picture in pictures] == [0, 1, 2, None, 3, 4]
    assert [bool(why) for why in reasons] == [False, False, False, True, False, False]
    assert '2a.png: this file of 8 bytes cannot be decoded' in reasons[3]


@pytest.mark.parametrize('batch_size', [1, 4])
def test_a_stream_gives_what_comes_before_a_fault(crowd, folder, batch_size: int) -> None:
    model, counts = crowd(), []
    model.batch_size = batch_size
    with pytest.raises(ImageReadError, match=r'2a\.png'):
        counts.extend(result.count for result in model.stream(folder))
    assert counts == [0, 1, 2]
    model.max_whole_pixels, counts[:] = 40 * 100, []  # the third is too large for this model
    with pytest.raises(ImageReadError, match=r'2\.png: WhiteSpots takes an image whole'):
        counts.extend(result.count for result in model.stream(folder))
    assert counts == [0, 1]


def test_a_batch_that_does_not_fit_is_tried_one_by_one(crowd, folder, monkeypatch) -> None:
    model = crowd()
    model.batch_size, find = 4, model.model.test_step

    def test_step(batch):
        if len(batch['inputs']) > 1:
            raise RuntimeError('CUDA out of memory. Tried to allocate 9 GiB')
        return find(batch)

    monkeypatch.setattr(model.model, 'test_step', test_step)
    assert [result.count for result in model(folder / '[0-9].png')] == [0, 1, 2, 3, 4]


def test_frames_keep_their_places(crowd, monkeypatch) -> None:
    frames = [(i, i / 5, spots_image(HEADS[:i])) for i in range(5)]
    monkeypatch.setattr('mmcrowd.apis.inferencer.iter_frames', lambda source: iter(frames))
    model = crowd()
    model.batch_size = 3
    found = [(result.frame, result.seconds, result.count, result.image_path) for result in model.stream(0)]
    assert found == [(i, i / 5, i, 'camera 0') for i in range(5)]


@pytest.mark.parametrize('batch_size', [0, -1])
def test_a_batch_of_nothing_is_refused(batch_size: int) -> None:
    with pytest.raises(ValueError, match=f'batch_size: expected 1 or more, found {batch_size}'):
        CrowdInferencer(batch_size=batch_size)
