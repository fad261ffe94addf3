"""Whatever the crowd and the names of its images: written and read again, it is the same."""

import string
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcrowd.datasets.formats import FORMATS, AnnotatedImage, Collection
from mmcrowd.datasets.naming import comparable, stem_of
from tests.datasets.fixtures.images import write_image

pytest.importorskip('defusedxml')
WIDTH, HEIGHT = 48, 32
CLASSES = ('head', 'person & co', 'Fahrräder, "neu"')
PARTS = st.text(string.ascii_letters + string.digits + " ._-()[]&;,'%#+=äéß\u0301人😀", min_size=1, max_size=8).filter(
    lambda part: part == part.strip(' .') and part[0] not in '._'
)
NAMES = st.builds(
    lambda folders, stem, suffix: '/'.join([*folders, stem]) + suffix,
    st.lists(PARTS, max_size=2),
    PARTS,
    st.sampled_from(['.jpg', '.png', '.JPG', '.jpeg']),
)
X, Y = st.floats(0, WIDTH), st.floats(0, HEIGHT)


@st.composite
def images(draw, kind: str) -> AnnotatedImage:
    """An image whose heads have points ('points'), boxes with the point at the centre ('boxes'), or either or both."""
    points, boxes = [], []
    for _ in range(draw(st.integers(0, 4))):
        x1, y1, dx, dy = draw(X), draw(Y), draw(st.floats(0.5, 30)), draw(st.floats(0.5, 30))
        box = [x1, y1, x1 + dx, y1 + dy]
        inside = draw(st.floats(0.01, 0.99)), draw(st.floats(0.01, 0.99))
        known = kind == 'boxes' or (kind == 'any' and draw(st.booleans()))
        middle = (0.5, 0.5) if kind == 'boxes' else inside
        points.append([x1 + middle[0] * dx, y1 + middle[1] * dy] if known else [x1, y1])
        boxes.append(box if known else [np.nan] * 4)
    number = len(points)
    labels = [draw(st.integers(0, 0 if kind == 'points' else len(CLASSES) - 1)) for _ in range(number)]
    regions = [[1.5, 2, 9, 8.25]] if kind == 'any' and draw(st.booleans()) else []
    return AnnotatedImage(
        draw(NAMES),
        np.array(points, float).reshape(-1, 2),
        np.array(boxes, float).reshape(-1, 4),
        np.array(labels, np.int64),
        np.array(regions, float).reshape(-1, 4),
        (WIDTH, HEIGHT),
    )


KINDS = {name: 'any' for name, format in FORMATS.items() if format.writable and name != 'mot'}  # which names frames
KINDS |= dict(yolo='boxes', voc='boxes', shanghaitech='points', points='points')


def collections(name: str) -> st.SearchStrategy[Collection]:
    """Images whose stems differ, as one file for each asks, and are no ends of each other, which would be ambiguous."""
    one = st.lists(
        images(KINDS[name]), min_size=1, max_size=3, unique_by=lambda image: comparable(Path(image.img_path).stem)
    )
    kept = one.filter(lambda found: all(len(stem_of(image.img_path)) > 1 for image in found))
    return kept.map(lambda found: Collection(CLASSES, found))


@pytest.fixture(scope='module')
def picture(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp('picture')
    return {
        suffix: write_image(folder / f'a{suffix}', (WIDTH, HEIGHT)).read_bytes() for suffix in ('.jpg', '.png', '.jpeg')
    }


def described(collection: Collection, image: AnnotatedImage) -> list[tuple]:
    rows = np.concatenate([image.points, image.boxes], axis=1)
    return sorted(
        (collection.classes[label], *np.nan_to_num(row, nan=-1)) for label, row in zip(image.labels, rows, strict=True)
    )


@pytest.mark.parametrize('name', KINDS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_there_and_back(picture, name, data):
    collection = data.draw(collections(name))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for image in collection.images:
            file = root / 'images' / image.img_path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(picture[file.suffix.lower()])
        FORMATS[name].write(collection, root / 'target', root / 'images')
        found = FORMATS[name].read(root / 'target', root / 'images')
    names = {image.img_path: image for image in found.images}
    assert set(names) == {image.img_path for image in collection.images}
    assert not found.unlisted
    for image in collection.images:
        other = names[image.img_path]
        expected, given = described(collection, image), described(found, other)
        assert [row[0] for row in given] == [row[0] for row in expected]
        np.testing.assert_allclose([row[1:] for row in given], [row[1:] for row in expected], atol=2e-6)
        np.testing.assert_allclose(other.ignore_boxes, image.ignore_boxes, atol=2e-6)
