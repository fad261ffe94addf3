"""CrowdDataset: what it accepts, what it refuses, and what it does with broken images."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmcv.transforms import BaseTransform
from mmengine.logging import MMLogger
from torch.utils.data import DataLoader

from mmcrowd.datasets.crowd_dataset import CrowdDataset, list_files, make_heads, pair_files
from mmcrowd.datasets.layout import files_by, number_of
from mmcrowd.registry import TRANSFORMS

NAN = float('nan')
PIPELINE = [dict(type='LoadImageFromFile'), dict(type='mmcrowd.LoadHeads'), dict(type='mmcrowd.PackCrowdInputs')]


class Listed(CrowdDataset):
    """A data set of the samples it is given."""

    def __init__(self, samples: list[dict], **kwargs) -> None:
        self.samples = samples
        super().__init__(**dict(dict(pipeline=PIPELINE), **kwargs))

    def load_data_list(self) -> list[dict]:
        return self.samples


def image(folder: Path, name: str = '0.png', size: tuple[int, int] = (40, 30)) -> str:
    path = folder / name
    cv2.imwrite(str(path), np.full((size[1], size[0], 3), 128, np.uint8))
    return str(path)


def listed(folder: Path, points=(), boxes=None, count: int = 1, ignored=(), **kwargs) -> Listed:
    paths = [image(folder, f'{i}.png') for i in range(count)]
    common = dict(heads=make_heads(points, boxes), ignore_boxes=np.array(ignored, np.float32).reshape(-1, 4))
    return Listed([dict(common, img_path=p, img_id=i) for i, p in enumerate(paths)], **kwargs)


@pytest.fixture
def logged(tmp_path_factory) -> Iterator[Callable[[], str]]:
    """Call it for all that this process and its workers have logged."""
    path = tmp_path_factory.mktemp('log') / 'log.txt'
    logger, handler = MMLogger.get_current_instance(), logging.FileHandler(path)
    logger.addHandler(handler)
    yield path.read_text
    logger.removeHandler(handler)
    handler.close()


@pytest.mark.parametrize('empty', [[], np.zeros((0, 0)), np.zeros((0, 2)), np.zeros((2, 0))])
def test_make_heads_of_nothing(empty):
    heads = make_heads(empty)
    assert heads.shape == (0, 6)
    assert heads.dtype == np.float32
    assert make_heads(empty, []).shape == (0, 6)


def test_make_heads():
    np.testing.assert_array_equal(make_heads([[1, 2]]), np.array([[1, 2, NAN, NAN, NAN, NAN]], np.float32))
    np.testing.assert_array_equal(make_heads([[1, 2]], [[0, 1, 2, 3]]), [[1, 2, 0, 1, 2, 3]])


@pytest.mark.parametrize(
    ('points', 'boxes', 'message'),
    [
        ([[1, 2, 3]], None, r'there: expected head points as an \(N, 2\) array, got shape \(1, 3\)'),
        ([1, 2], None, r'there: expected head points as an \(N, 2\) array, got shape \(2,\)'),
        ([[1, 2]], [], r'there: expected one box for each of 1 heads, got shape \(0, 4\)'),
        ([[1, 2]], [[1, 2, 3]], r'there: expected one box for each of 1 heads, got shape \(1, 3\)'),
    ],
)
def test_make_heads_names_the_source(points, boxes, message):
    with pytest.raises(ValueError, match=message):
        make_heads(points, boxes, 'there')


def test_image_without_heads(tmp_path):
    dataset = listed(tmp_path)
    info = dataset.get_data_info(0)
    assert info['heads'].shape == (0, 6)
    assert info['labels'].shape == (0,)
    assert len(dataset[0]['data_samples'].gt_instances) == 0


def test_images_without_heads_are_never_replaced(tmp_path):
    crop = dict(type='RandomCrop', crop_size=(8, 8), allow_negative_crop=True)
    dataset = listed(tmp_path, count=5, pipeline=[*PIPELINE[:2], crop, PIPELINE[2]])
    for _ in range(3):
        assert [dataset[i]['data_samples'].img_id for i in range(5)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    'transform', [dict(type='RandomCrop', crop_size=(8, 8)), dict(type='FilterAnnotations', min_gt_bbox_wh=(1, 1))]
)
def test_a_pipeline_that_drops_negatives_is_refused(tmp_path, transform):
    with pytest.raises(ValueError, match=f'{transform["type"]} with .* drops images without heads'):
        listed(tmp_path, pipeline=[*PIPELINE[:2], transform, PIPELINE[2]])


def test_a_transform_that_returns_none_is_named(tmp_path):
    @TRANSFORMS.register_module(force=True)
    class ReturnsNone(BaseTransform):
        def transform(self, results):
            return None

    dataset = listed(tmp_path, pipeline=[*PIPELINE[:2], dict(type='mmcrowd.ReturnsNone')])
    with pytest.raises(RuntimeError, match=r'0\.png: ReturnsNone returned None'):
        dataset[0]


def test_annotation_file(tmp_path):
    image(tmp_path, 'a.png')
    image(tmp_path, 'b.png')
    content = dict(
        metainfo={},
        data_list=[
            dict(img_path='a.png', points=[]),
            dict(img_path='b.png', points=[[1, 2], [3, 4]], boxes=[None, [2, 3, 4, 5]], img_id=7, scene='street'),
        ],
    )
    (tmp_path / 'ann.json').write_text(json.dumps(content))
    dataset = CrowdDataset('ann.json', data_root=str(tmp_path), pipeline=PIPELINE)
    first, second = dataset.get_data_info(0), dataset.get_data_info(1)
    assert first['heads'].shape == (0, 6)
    assert first['img_id'] == 'a'
    np.testing.assert_array_equal(second['heads'], [[1, 2, NAN, NAN, NAN, NAN], [3, 4, 2, 3, 4, 5]])
    assert (second['img_id'], second['scene']) == (7, 'street')
    assert second['labels'].tolist() == [0, 0]
    assert dataset[1]['inputs'].shape == (3, 30, 40)


@pytest.mark.parametrize(
    ('written', 'given', 'expected'),
    [(None, None, ('head',)), (['a', 'b'], None, ('a', 'b')), (['a', 'b'], ('c', 'd'), ('c', 'd'))],
)
def test_classes_are_those_of_the_file(tmp_path, written, given, expected):
    image(tmp_path, 'a.png')
    entry = dict(img_path='a.png', points=[[1, 2]], labels=[len(expected) - 1])
    content = dict(metainfo=dict(classes=written) if written else {}, data_list=[entry])
    (tmp_path / 'ann.json').write_text(json.dumps(content))
    metainfo = dict(classes=given) if given else None
    dataset = CrowdDataset('ann.json', data_root=str(tmp_path), pipeline=PIPELINE, metainfo=metainfo)
    assert dataset.metainfo['classes'] == expected


@pytest.mark.parametrize('labels', [[0, 2], [-1, 0]])
def test_labels_are_those_of_the_classes(tmp_path, labels):
    sample = dict(img_path=image(tmp_path), img_id=0, heads=make_heads([[1, 2], [3, 4]]), labels=labels)
    with pytest.raises(ValueError, match=r"0\.png: expected labels from 0 to 1, for the classes \('a', 'b'\), found"):
        Listed([sample], metainfo=dict(classes=('a', 'b')))


def test_annotation_file_without_points(tmp_path):
    (tmp_path / 'ann.json').write_text(json.dumps(dict(metainfo={}, data_list=[dict(img_path='a.png')])))
    with pytest.raises(KeyError, match=r"ann\.json: expected key 'points'"):
        CrowdDataset('ann.json', data_root=str(tmp_path))


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('{"metainfo": {', r'expected a dict with metainfo and data_list.* failed with: Expecting property name'),
        ('{"images": []}', r'expected a dict with metainfo and data_list.* failed with: Annotation must have'),
        ('[]', r'expected a dict with metainfo and data_list'),
        ('{"metainfo": {}, "data_list": ["a.png"]}', r'expected a dict with metainfo and data_list, a list of dicts'),
        (
            '{"metainfo": {}, "data_list": [{"img_path": "a.png", "points": [[1, 2], [3]]}]}',
            'a.png: expected head poin',
        ),
        ('{"metainfo": {}, "data_list": [{"img_path": "a.png", "points": [["x", 2]]}]}', 'a.png: expected head points'),
        (
            '{"metainfo": {}, "data_list": [{"img_path": "a.png", "points": [[1, 2]], "boxes": [["x", 2, 3, 4]]}]}',
            r'a.png: expected boxes as an \(N, 4\) array of numbers',
        ),
    ],
)
def test_annotation_file_in_another_format(tmp_path, content, message):
    path = tmp_path / 'ann.json'
    path.write_text(content)
    with pytest.raises(ValueError, match=message) as caught:
        CrowdDataset('ann.json', data_root=str(tmp_path))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ('change', 'error', 'message'),
    [
        (dict(heads=make_heads([[1, 2], [NAN, 2]])), ValueError, r'0\.png: head 1 of 2 has the point \(nan, 2\.0\)'),
        (dict(heads=make_heads([[1, np.inf]])), ValueError, r'0\.png: head 0 of 1 has the point \(1\.0, inf\)'),
        (dict(heads=np.zeros((3, 2))), ValueError, r'0\.png: expected heads as an \(N, 6\) array, got shape \(3, 2\)'),
        (dict(labels=np.zeros(2)), ValueError, r'0\.png: expected one label for each of 1 heads, got shape \(2,\)'),
        (dict(img_path='no/such.png'), FileNotFoundError, r'no/such\.png: image file not found'),
    ],
)
def test_bad_samples_are_named(tmp_path, change, error, message):
    with pytest.raises(error, match=message):
        Listed([dict(dict(img_path=image(tmp_path), img_id=0, heads=make_heads([[1, 2]])), **change)])


@pytest.mark.parametrize(
    ('samples', 'kwargs', 'message'),
    [
        ([], dict(data_root='here'), 'Listed at here: the list of images is empty'),
        ([], dict(outside='remove'), "outside must be 'keep', 'drop' or 'clip', got 'remove'"),
        ([], dict(filter_cfg=dict(filter_empty_gt=True)), 'filters nothing, but filter_cfg'),
    ],
)
def test_bad_arguments(samples, kwargs, message):
    with pytest.raises(ValueError, match=message):
        Listed(samples, **kwargs)


def test_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'nowhere: folder not found, expected it to hold files named \*\.jpg'):
        list_files(tmp_path / 'nowhere', '*.jpg')
    with pytest.raises(FileNotFoundError, match=r'no file named \*\.jpg in this folder'):
        list_files(tmp_path, '*.jpg')
    (tmp_path / 'a.jpg').touch()
    assert list_files(tmp_path, '*.jpg') == [tmp_path / 'a.jpg']
    assert pair_files({2: 'b', 1: 'a'}, {1: 'x', 2: 'y'}) == [(1, 'a', 'x'), (2, 'b', 'y')]
    with pytest.raises(FileNotFoundError, match=r'^b: no annotation belongs to this file, expected one for each'):
        pair_files({2: 'b', 1: 'a'}, {1: 'x'})
    with pytest.raises(FileNotFoundError, match=r'^x: no image belongs to this file \(and 1 more such files\)'):
        pair_files({3: 'c'}, {1: 'x', 2: 'y', 3: 'z'})


def test_two_files_of_one_key(tmp_path):
    paths = [tmp_path / name for name in ('img_1.jpg', 'img_2.jpg', 'img_0001.jpg')]
    assert files_by(number_of, paths[:2]) == {1: paths[0], 2: paths[1]}
    with pytest.raises(ValueError, match=r'img_0001\.jpg: expected one file for 1, found .*img_1\.jpg beside it'):
        files_by(number_of, paths)


OUTSIDE = [[5, 5], [-3, 5], [40, 5], [5, 30.5], [39.9, 29.9], [0, 0]]


@pytest.mark.parametrize(
    ('policy', 'done', 'expected'),
    [
        ('keep', 'kept', OUTSIDE),
        ('drop', 'dropped', [[5, 5], [39.9, 29.9], [0, 0]]),
        (
            'clip',
            'moved to the border',
            [[5, 5], [1 / 64, 5], [40 - 1 / 64, 5], [5, 30 - 1 / 64], [39.9, 29.9], [0, 0]],
        ),
    ],
)
def test_points_outside_the_image(tmp_path, logged, policy, done, expected):
    dataset = listed(tmp_path, OUTSIDE, outside=policy)
    info = dataset.get_data_info(0)
    np.testing.assert_array_equal(info['heads'][:, :2], np.array(expected, np.float32))
    assert len(info['labels']) == len(expected)
    assert f'3 heads outside their image, first in {tmp_path}/0.png, were {done}' in logged()


def test_boxes_without_area_count_as_missing(tmp_path, logged):
    boxes = [[0, 0, 4, 4], [2, 2, 2, 9], [5, 5, 7, 5], [NAN] * 4]
    dataset = listed(tmp_path, [[1, 1]] * 4, boxes)
    found = dataset.get_data_info(0)['heads'][:, 2:]
    np.testing.assert_array_equal(np.isnan(found).sum(axis=1), [0, 4, 4, 4])
    assert '2 boxes without area' in logged()


@pytest.mark.parametrize('box', [[5, 5, 1, 9], [1, 9, 5, 5], [NAN, 1, 2, 3], [0, 0, float('inf'), 4], [0, 0, 1e39, 4]])
def test_boxes_and_regions_are_finite_and_not_turned_around(tmp_path, box):
    with pytest.raises(ValueError, match=r'0\.png: box 0 of 1 is .*, expected finite numbers x1, y1, x2, y2'):
        listed(tmp_path, [[1, 1]], [box])
    with pytest.raises(ValueError, match=r'0\.png: region to ignore 0 of 1 is .*, expected finite numbers'):
        listed(tmp_path, [[1, 1]], ignored=[box])


@pytest.mark.parametrize('policy', ['keep', 'drop', 'clip'])
def test_infinite_points_are_not_outside(tmp_path, policy):
    with pytest.raises(ValueError, match='expected finite numbers'):
        listed(tmp_path, [[1, 2], [np.inf, 3]], outside=policy)


@pytest.mark.parametrize('again', ['{}/0.png', '{}/./0.png', '{}/sub/../0.png', '{}//0.png'])
def test_an_image_that_is_there_twice(tmp_path, again):
    (tmp_path / 'sub').mkdir()
    paths = [image(tmp_path), again.format(tmp_path)]
    with pytest.raises(ValueError, match=r'expected every image once, found .*0\.png again'):
        Listed([dict(img_path=path, img_id=i, heads=make_heads([[1, 2]])) for i, path in enumerate(paths)])


@pytest.mark.parametrize('names', [('a.png', 'A.png'), ('caf\u00e9.png', 'cafe\u0301.png')])
def test_an_image_in_two_spellings(tmp_path, names):
    samples = [dict(img_path=image(tmp_path, name), img_id=name, heads=make_heads([])) for name in names]
    with pytest.raises(ValueError, match='expected every image once'):
        Listed(samples)


def broken(folder: Path, content: bytes, **kwargs) -> Listed:
    """Four images, of which the third becomes unreadable after the check."""
    dataset = listed(folder, [[5, 5]], count=4, **kwargs)
    (folder / '2.png').write_bytes(content)
    return dataset


@pytest.mark.parametrize('content', [b'', b'no image', b'\x89PNG\r\n\x1a\nbroken'])
def test_unreadable_image_in_training_is_skipped_and_reported_once(tmp_path, logged, content):
    dataset = broken(tmp_path, content)
    for _ in range(3):
        assert dataset[2]['data_samples'].img_id in (0, 1, 3)
    text = logged()
    assert text.count('It is skipped in training') == 1
    assert str(tmp_path / '2.png') in text


def test_unreadable_image_is_reported_once_by_all_workers(tmp_path, logged):
    loader = DataLoader(broken(tmp_path, b''), batch_size=1, num_workers=2, collate_fn=list)
    for _ in range(2):
        assert len([batch[0] for batch in loader]) == 4
    assert logged().count('It is skipped in training') == 1


def test_unreadable_image_in_testing_is_an_error(tmp_path):
    dataset = broken(tmp_path, b'no image', test_mode=True)
    with pytest.raises(ValueError, match=r'2\.png: this file of \d+ bytes cannot be decoded'):
        dataset[2]


def test_unreadable_image_that_the_loader_would_ignore(tmp_path):
    pipeline = [dict(type='LoadImageFromFile', ignore_empty=True), *PIPELINE[1:]]
    (tmp_path / 'test').mkdir()
    assert broken(tmp_path, b'', pipeline=pipeline)[2]['data_samples'].img_id != 2
    with pytest.raises(ValueError, match=r'2\.png: this file of \d+ bytes cannot be decoded'):
        broken(tmp_path / 'test', b'', pipeline=pipeline, test_mode=True)[2]


def test_unreadable_image_in_testing_is_an_error_at_the_start(tmp_path):
    bad = tmp_path / 'bad.png'
    bad.write_bytes(b'no image')
    samples = [dict(img_path=str(bad), img_id=0, heads=make_heads([]))]
    with pytest.raises(ValueError, match=r'bad\.png: this file of 8 bytes cannot be decoded'):
        Listed(samples, test_mode=True)


def test_unreadable_image_under_a_policy_that_needs_its_size(tmp_path):
    path = tmp_path / 'bad.png'
    path.write_bytes(b'no image')
    samples = [
        dict(img_path=str(path), img_id=0, heads=make_heads([[-1, 2]])),
        dict(img_path=image(tmp_path), img_id=1, heads=make_heads([])),
    ]
    assert Listed([dict(s) for s in samples], outside='drop')[0]['data_samples'].img_id == 1
    with pytest.raises(ValueError, match=r'bad\.png: this file of 8 bytes cannot be decoded'):
        Listed([dict(s) for s in samples], outside='drop', test_mode=True)


def test_annotations_are_held_as_arrays(tmp_path):
    number = 12000
    points = np.random.default_rng(0).uniform(0, 30, (number, 2))
    dataset = listed(tmp_path, points)
    assert len(dataset.data_bytes) < 40 * number, 'bytes: 24 for the head, 8 for the label, little else'
    assert len(dataset[0]['data_samples'].gt_instances.points) == number


def test_subset_and_metainfo(tmp_path):
    dataset = listed(tmp_path, [[5, 5]], count=4, indices=[2, 3])
    assert [dataset.get_data_info(i)['img_id'] for i in range(len(dataset))] == [2, 3]
    assert dataset.metainfo['classes'] == ('head',)
    assert dataset.get_subset([1])[0]['data_samples'].img_id == 3
