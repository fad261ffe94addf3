"""Results: files and pictures."""

import csv
import json

import cv2
import numpy as np
import pytest

from mmcrowd.apis import CrowdResult, save_results


def result(number: int = 2, path: str | None = None, count: float | None = None) -> CrowdResult:
    points = np.array([[10.126, 5.5], [30.0, 20.0]], np.float32)[:number]
    boxes = np.array([[9, 4, 12, 7], [np.nan] * 4], np.float32)[:number]
    scores = np.array([0.91, 0.25], np.float32)[:number]
    return CrowdResult(points, scores, boxes, number if count is None else count, path, (70, 40))


@pytest.mark.parametrize('number', [0, 1, 2])
def test_json(tmp_path, number: int) -> None:
    path = result(number, 'street.jpg').save(tmp_path / 'new' / 'street.json')
    data = json.loads(path.read_text())
    assert data == dict(
        image='street.jpg',
        width=70,
        height=40,
        count=number,
        points=[[10.13, 5.5], [30.0, 20.0]][:number],
        scores=[0.91, 0.25][:number],
        boxes=[[9, 4, 12, 7], None][:number],
    )


@pytest.mark.parametrize('number', [0, 1, 2])
def test_csv(tmp_path, number: int) -> None:
    path = result(number).save(str(tmp_path / 'street.CSV'))
    with path.open(newline='') as file:
        rows = list(csv.reader(file))
    heads = [['10.13', '5.5', '0.91', '9.0', '4.0', '12.0', '7.0'], ['30.0', '20.0', '0.25', '', '', '', '']]
    assert rows == [['x', 'y', 'score', 'x1', 'y1', 'x2', 'y2'], *heads[:number]]


def test_other_endings_are_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match=r'street\.txt: expected a file name that ends in \.json or \.csv'):
        result().save(tmp_path / 'street.txt')


@pytest.mark.parametrize('number', [0, 2])
@pytest.mark.parametrize('with_boxes', [False, True])
def test_draw(number: int, with_boxes: bool) -> None:
    image = np.full((40, 70, 3), 100, np.uint8)
    drawn = result(number).draw(image, with_boxes)
    assert drawn.shape == image.shape
    assert (image == 100).all()
    assert (drawn != image).any()


def test_draw_is_bgr() -> None:
    image = np.full((400, 700, 3), 100, np.uint8)
    one = CrowdResult(np.array([[350, 200]]), np.ones(1), np.full((1, 4), np.nan), 1, None, (700, 400))
    b, g, r = one.draw(image)[200, 350]
    assert b > g > r


def test_draw_reads_the_file(tmp_path) -> None:
    path = tmp_path / 'street.png'
    cv2.imwrite(str(path), np.full((40, 70, 3), 100, np.uint8))
    from_file = result(path=str(path)).draw()
    np.testing.assert_array_equal(from_file, result().draw(np.full((40, 70, 3), 100, np.uint8)))


def test_draw_checks_its_image() -> None:
    with pytest.raises(ValueError, match='predicted from an array'):
        result().draw()
    with pytest.raises(ValueError, match=r'expected an image of \(70, 40\) \(width, height\), found \(40, 70\)'):
        result().draw(np.zeros((70, 40, 3), np.uint8))


@pytest.mark.parametrize(
    ('crowd', 'text'),
    [
        (result(path='a.jpg'), "CrowdResult(count=2, points=(2, 2), image='a.jpg')"),
        (result(0, count=12.5), "CrowdResult(count=12.5, points=(0, 2), image='70 x 40 px array')"),
    ],
)
def test_repr_is_short(crowd: CrowdResult, text: str) -> None:
    assert repr(crowd) == text


@pytest.mark.parametrize('numbers', [[], [0], [2, 0, 1]])
def test_many_results(tmp_path, numbers: list) -> None:
    predictions, counts = save_results([result(n, f'{n}.jpg') for n in numbers], tmp_path / 'out')
    assert [entry['count'] for entry in json.loads(predictions.read_text())] == numbers
    with counts.open(newline='') as file:
        rows = list(csv.reader(file))
    assert rows == [['image', 'width', 'height', 'count'], *([f'{n}.jpg', '70', '40', str(n)] for n in numbers)]
