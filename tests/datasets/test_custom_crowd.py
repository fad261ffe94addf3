"""Everybody's own data, from every format."""

import json
from pathlib import Path

import numpy as np
import pytest

from mmcrowd.datasets import CustomCrowd
from mmcrowd.datasets.formats import FORMATS, AnnotatedImage, Collection
from tests.datasets.dataset_tester import NO_HEADS, PIPELINE, DatasetTester, Expected
from tests.datasets.fixtures.images import write_image

POINTS = {'a.jpg': np.array([[1.5, 2.5], [40.0, 30.0]]), 'b.png': NO_HEADS, 'sub/c.jpg': np.array([[7.0, 8.0]])}


def picture(name: str, points: np.ndarray, boxes: bool = True, **options) -> AnnotatedImage:
    corners = np.concatenate([points - 1, points + 1], axis=1) if boxes else np.full((len(points), 4), np.nan)
    return AnnotatedImage(name, points, corners, np.zeros(len(points), np.int64), **options)


class CustomTester(DatasetTester):
    loader = CustomCrowd
    name: str
    target: str

    def write(self, root: Path) -> Expected:
        for name in POINTS:
            write_image(root / 'images' / name)
        if not (root / self.target).exists():
            images = [picture(name, points) for name, points in POINTS.items()]
            FORMATS[self.name].write(Collection(('head',), images), root / self.target, root / 'images')
        return dict(all=POINTS)

    @property
    def kwargs(self) -> dict:
        return dict(ann_file=self.target, format=self.name)


class TestJson(CustomTester):
    name, target = 'json', 'annotations.json'

    def test_classes(self, tmp_path):
        self.write(tmp_path)
        path = tmp_path / self.target
        content = json.loads(path.read_text())
        content['metainfo']['classes'] = ['head', 'bike']
        content['data_list'][0]['labels'] = [1, 0]
        path.write_text(json.dumps(content))
        both = self.load(tmp_path, 'all')
        assert both.metainfo['classes'] == ('head', 'bike')
        assert both.get_data_info(0)['labels'].tolist() == [1, 0]
        one = self.load(tmp_path, 'all', classes=['bike'])
        assert one.metainfo['classes'] == ('bike',)
        assert one.get_data_info(0)['heads'][:, :2].tolist() == [[1.5, 2.5]]
        assert one.notes == {"heads of class 'head', dropped": 2}
        merged = self.load(tmp_path, 'all', merge_classes='person')
        assert merged.metainfo['classes'] == ('person',)
        assert merged.get_data_info(0)['labels'].tolist() == [0, 0]
        assert merged.notes == {
            "heads of class 'head', taken as 'person'": 2,
            "heads of class 'bike', taken as 'person'": 1,
        }
        same = self.load(tmp_path, 'all', classes=['head', 'bike'], merge_classes='head')
        assert same.notes == {"heads of class 'bike', taken as 'head'": 1}
        ahead = self.load(tmp_path, 'all', classes=['car', 'bike'])
        assert ahead.metainfo['classes'] == ('car', 'bike')
        assert ahead.get_data_info(0)['labels'].tolist() == [1]
        with pytest.raises(
            ValueError, match=r"annotations\.json: expected the classes \['car'\], found \['head', 'bike'\]"
        ):
            self.load(tmp_path, 'all', classes=['car'])

    @pytest.mark.parametrize('classes', ['head', [], ['head', 'head'], [1]])
    def test_bad_choice_of_classes(self, tmp_path, classes):
        with pytest.raises(ValueError, match='classes must be a list of different names'):
            self.load(tmp_path, 'all', classes=classes)

    def test_groups_stay_whole(self, tmp_path):
        images = [picture(f'{i}.jpg', NO_HEADS, extra=dict(group=f'video {i // 3}')) for i in range(9)]
        for image in images:
            write_image(tmp_path / 'images' / image.img_path)
        FORMATS['json'].write(Collection(('head',), images), tmp_path / self.target)
        val = self.load(tmp_path, 'all', subset='val', val_split=0.3)
        assert {val.get_data_info(i)['group'] for i in range(len(val))} in ({f'video {i}'} for i in range(3))
        assert len(val) == 3

    def test_points_alone_do_not_train_a_detector(self, tmp_path):
        for name in POINTS:
            write_image(tmp_path / 'images' / name)
        images = [picture(name, points, boxes=False) for name, points in POINTS.items()]
        FORMATS['json'].write(Collection(('head',), images), tmp_path / self.target)
        pipeline = [*PIPELINE[:2], dict(type='mmcrowd.ConvertHeadsToBoxes'), PIPELINE[2]]
        with pytest.raises(
            ValueError, match=r'all 3 heads are points without a box, and a detector cannot learn sizes'
        ):
            self.load(tmp_path, 'all', pipeline=pipeline)
        pipeline[2] = dict(type='mmcrowd.ConvertHeadsToBoxes', missing='pseudo')
        self.load(tmp_path, 'all', pipeline=pipeline)

    @pytest.mark.parametrize(
        ('change', 'error', 'message'),
        [
            (dict(width=32, height=48), ValueError, r'a\.jpg: the annotations are of an image of 32x48 .* EXIF'),
            (
                dict(width=96, height=64),
                ValueError,
                r'a\.jpg: the annotations are of an image of 96x64 pixels, found 48x32',
            ),
            (dict(img_path='x.jpg'), FileNotFoundError, r'x\.jpg: image file not found, but .* has annotations of it'),
            (dict(img_path='b.png'), ValueError, r'expected every image once, found b\.png again'),
            (
                dict(points=[[2, 40], [30, 44], [31, 47], [3, 3]], boxes=None, labels=None),
                ValueError,
                r'a\.jpg: 3 of 4 points are outside the 48x32 image, and none would be with x and y exchanged',
            ),
        ],
    )
    def test_bad_annotations_are_named(self, tmp_path, change, error, message):
        self.write(tmp_path)
        path = tmp_path / self.target
        content = json.loads(path.read_text())
        content['data_list'][0].update(change)
        path.write_text(json.dumps(content))
        with pytest.raises(error, match=message):
            self.load(tmp_path, 'all')


class TestCoco(CustomTester):
    name, target = 'coco', 'annotations.json'


class TestYolo(CustomTester):
    name, target = 'yolo', 'labels'


class TestCsv(CustomTester):
    name, target = 'csv', 'annotations.csv'


class TestVoc(CustomTester):
    name, target = 'voc', 'xml'

    @pytest.fixture(autouse=True)
    def xml_parser(self) -> None:
        pytest.importorskip('defusedxml')


class TestCvat(CustomTester):
    name, target = 'cvat', 'annotations.xml'

    @pytest.fixture(autouse=True)
    def xml_parser(self) -> None:
        pytest.importorskip('defusedxml')


class TestLabelStudio(CustomTester):
    name, target = 'label_studio', 'annotations.json'


def test_unknown_format():
    with pytest.raises(ValueError, match=r"format must be one of .* got 'xls'"):
        CustomCrowd(format='xls')
