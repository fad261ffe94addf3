"""Annotation formats: the way there and back, and what is told of bad files."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mmcrowd.datasets.formats import FORMATS, AnnotatedImage, Collection, format_named
from mmcrowd.datasets.formats.collection import has_box
from tests.datasets.fixtures.images import write_image

NAN = float('nan')
FILES = dict(json='a.json', coco='a.json', label_studio='a.json', cvat='a.xml', via='a.json', csv='a.csv')
"""Where a format is one file; the others are folders."""
POINTS_AND_BOXES = ('json', 'coco', 'labelme', 'label_studio', 'cvat', 'via', 'csv')
NAMES = ('one.jpg', 'sub dir/two.png', 'zero.jpg')


def picture(points=(), boxes=None, labels=None, ignore=(), name: str = 'one.jpg', **extra) -> AnnotatedImage:
    points = np.asarray(points, float).reshape(-1, 2)
    boxes = np.full((len(points), 4), NAN) if boxes is None else np.asarray(boxes, float)
    labels = np.zeros(len(points), np.int64) if labels is None else np.asarray(labels)
    return AnnotatedImage(name, points, boxes, labels, np.asarray(ignore, float).reshape(-1, 4), (48, 32), extra)


def mixed() -> Collection:
    """Points beside the centre of their box, points without box, two classes, a region to ignore, no heads."""
    boxes = [[8, 8, 14, 13], [NAN] * 4, [1.25, 2, 5, 7]]
    first = picture([[10.25, 10], [20, 30.125], [3, 4]], boxes, [0, 1, 0], [[30, 2, 40, 9]])
    return Collection(('head', 'bike & car'), [first, picture([[5, 6]], name=NAMES[1]), picture(name=NAMES[2])])


def boxed(names=('one.jpg', 'zero.jpg'), classes=('head', 'bike')) -> Collection:
    """Points that are the centres of their boxes."""
    boxes = np.array([[8, 8, 14, 13], [0, 0, 47.5, 31.5], [20.25, 4, 21.75, 9]])
    first = picture((boxes[:, :2] + boxes[:, 2:]) / 2, boxes, [0, len(classes) - 1, 0], name=names[0])
    return Collection(classes, [first, picture(name=names[1])])


def there_and_back(collection: Collection, name: str, root: Path) -> Collection:
    if name in ('voc', 'cvat'):
        pytest.importorskip('defusedxml')
    images = root / 'images'
    for image in collection.images:
        write_image(images / image.img_path)
    target = root / FILES.get(name, 'labels')
    FORMATS[name].write(collection, target, images)
    return FORMATS[name].read(target, images)


def assert_same(found: Collection, expected: Collection) -> None:
    assert found.classes == expected.classes
    images = {image.img_path: image for image in found.images}
    assert sorted(images) == sorted(image.img_path for image in expected.images)
    for image in expected.images:
        other = images[image.img_path]
        for key in ('points', 'boxes', 'labels', 'ignore_boxes'):
            np.testing.assert_allclose(getattr(other, key), getattr(image, key), atol=1e-4, err_msg=key)


@pytest.mark.parametrize('name', POINTS_AND_BOXES)
def test_round_trip(tmp_path, name):
    assert_same(there_and_back(mixed(), name, tmp_path), mixed())


@pytest.mark.parametrize('name', ['yolo', 'voc'])
def test_round_trip_of_boxes(tmp_path, name):
    assert_same(there_and_back(boxed(), name, tmp_path), boxed())


def test_round_trip_of_yolo_with_points(tmp_path):
    collection = boxed()
    collection.images[0].points[0] += 1.5
    assert_same(there_and_back(collection, 'yolo', tmp_path), collection)


@pytest.mark.parametrize('name', ['shanghaitech', 'points'])
def test_round_trip_of_points(tmp_path, name):
    collection = Collection(('head',), [picture([[1.5, 2], [40, 30]]), picture(name='zero.jpg')])
    assert_same(there_and_back(collection, name, tmp_path), collection)


@pytest.mark.parametrize('name', sorted({name for name, format in FORMATS.items() if format.writable} - {'mot'}))
def test_through_every_format_and_back_to_json(tmp_path, name):
    """mmcrowd's own file -> format -> mmcrowd's own file: the same points."""
    collection = (
        boxed(classes=('head',))
        if name not in ('shanghaitech', 'points')
        else Collection(('head',), [picture([[1, 2]])])
    )
    collection.images.append(picture(name='negative.jpg'))
    own = there_and_back(collection, 'json', tmp_path / 'own')
    other = there_and_back(own, name, tmp_path / 'other')
    assert_same(there_and_back(other, 'json', tmp_path / 'again'), collection)


@pytest.mark.parametrize(
    ('name', 'collection', 'message'),
    [
        ('yolo', mixed, 'one.jpg: 1 of 3 heads have a point and no box, but YOLO holds boxes'),
        ('voc', mixed, 'one.jpg: 1 of 3 heads have a point and no box, but Pascal VOC holds boxes'),
        ('shanghaitech', boxed, 'one.jpg: these MATLAB files hold points of one class alone'),
        ('points', boxed, 'one.jpg: these text files hold points of one class alone'),
    ],
)
def test_what_a_format_cannot_hold_is_refused(tmp_path, name, collection: Callable, message):
    with pytest.raises(ValueError, match=message):
        there_and_back(collection(), name, tmp_path)


def test_loss_must_be_allowed(tmp_path):
    collection = boxed()
    collection.images[0].points[0] += 2
    with pytest.raises(ValueError, match=r'one\.jpg: 1 of 3 points are not at the centre of their box'):
        FORMATS['voc'].write(collection, tmp_path)
    FORMATS['voc'].write(collection, tmp_path, lossy=True)
    FORMATS['shanghaitech'].write(collection, tmp_path, lossy=True)
    assert len(FORMATS['shanghaitech'].read(tmp_path).images) == 2


@pytest.mark.parametrize('name', ['yolo', 'voc', 'labelme', 'points', 'shanghaitech'])
@pytest.mark.parametrize('place', ['../out.jpg', '/elsewhere/out.jpg', 'a/../../out.jpg'])
def test_nothing_is_written_outside_the_folder(tmp_path, name, place):
    (tmp_path / 'target').mkdir()
    collection = Collection(('head',), [picture(name=place)])
    with pytest.raises(ValueError, match='expected a path within the folder of the images'):
        FORMATS[name].write(collection, tmp_path / 'target')
    assert [path.name for path in tmp_path.rglob('*')] == ['target']


def test_unknown_format():
    with pytest.raises(ValueError, match=r"format must be one of .* got 'xls'"):
        format_named('xls')


def write(root: Path, name: str, content: object) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


class TestNative:
    def read(self, root: Path, **entry) -> AnnotatedImage:
        return (
            FORMATS['json']
            .read(write(root, 'a.json', dict(data_list=[dict(dict(img_path='a.jpg'), **entry)])))
            .images[0]
        )

    def test_boxes_alone(self, tmp_path):
        assert self.read(tmp_path, boxes=[[0, 2, 4, 6]]).points.tolist() == [[2, 4]]

    def test_other_keys_are_kept(self, tmp_path):
        assert self.read(tmp_path, points=[], scene='street').extra == dict(scene='street')

    @pytest.mark.parametrize(
        ('entry', 'message'),
        [
            (dict(), "a.json, entry 0, a.jpg: expected 'points' or 'boxes'"),
            (dict(points=[[1, 2, 3]]), r'a.jpg, points, row 0: expected 2 numbers, found \[1, 2, 3\]'),
            (dict(points=[[1, 'x']]), 'a.jpg, points, row 0: expected 2 numbers, all finite'),
            (dict(points=7), 'a.jpg, points: expected a list, found 7'),
            (dict(points=[[1, 2], None]), 'a.jpg, points: expected finite points, found null'),
            (dict(points=[[1, 2]], boxes=[[3, 3, 1, 4]]), 'a.jpg, boxes, row 0: expected a box x1, y1, x2, y2'),
            (dict(points=[], ignore_boxes=[None]), 'a.jpg, ignore_boxes: expected finite boxes, found null'),
            (dict(points=[], width=float('inf'), height=3), 'a.jpg, width: expected a finite number'),
            (dict(points=[], width=-3, height=3), 'a.jpg, width: expected a positive whole number of pixels, found -3'),
            (dict(points=[[1, 2]], boxes=[]), 'a.jpg: expected one of boxes for each of 1 points, found 0'),
            (dict(points=[[1, 2]], labels=[0, 0]), 'a.jpg: expected one of labels for each of 1 points, found 2'),
            (dict(points=[[1, 2]], labels=[1]), r'a.jpg: expected labels from 0 to 0, found \[1.0\]'),
            (dict(img_path=7, points=[]), 'entry 0, img_path: expected a text, found 7'),
        ],
    )
    def test_bad_entries_are_named(self, tmp_path, entry, message):
        with pytest.raises(ValueError, match=message):
            self.read(tmp_path, **entry)

    def test_not_an_annotation_file(self, tmp_path):
        with pytest.raises(ValueError, match=r'a\.json: expected names with values, found \[\]'):
            FORMATS['json'].read(write(tmp_path, 'a.json', []))

    @pytest.mark.parametrize('classes', ['head', [], ['head', 'head'], [['head']], [7]])
    def test_classes_are_a_list_of_names(self, tmp_path, classes):
        path = write(
            tmp_path, 'a.json', dict(metainfo=dict(classes=classes), data_list=[dict(img_path='a', points=[])])
        )
        if not classes:
            assert FORMATS['json'].read(path).classes == ('head',)
            return
        with pytest.raises(ValueError, match=r'a\.json, metainfo'):
            FORMATS['json'].read(path)


class TestCoco:
    CATEGORIES = [dict(id=3, name='person'), dict(id=9, name='bike')]

    def read(self, root: Path, annotations: list[dict]) -> Collection:
        images = [dict(id=5, file_name='a.jpg', width=48, height=32), dict(id=7, file_name='b.jpg')]
        content = dict(images=images, annotations=annotations, categories=self.CATEGORIES)
        return FORMATS['coco'].read(write(root, 'coco.json', content))

    def test_boxes_keypoints_and_crowds(self, tmp_path):
        found = self.read(
            tmp_path,
            [
                dict(image_id=5, category_id=9, bbox=[1, 2, 4, 6]),
                dict(image_id=5, category_id=3, bbox=[1, 2, 4, 6], keypoints=[9, 8, 2, 0, 0, 0]),
                dict(image_id=5, category_id=3, bbox=[1, 2, 4, 6], keypoints=[9, 8, 2, 5, 5, 1]),
                dict(image_id=5, category_id=3, bbox=[1, 2, 4, 6], iscrowd=1),
                dict(image_id=7, category_id=3, bbox=[1, 2, 0, 6]),
            ],
        )
        (first,) = found.images
        assert found.classes == ('person', 'bike')
        assert first.points.tolist() == [[3, 5], [9, 8], [3, 5]]
        assert first.labels.tolist() == [1, 0, 0]
        assert first.ignore_boxes.tolist() == [[1, 2, 5, 8]]
        assert found.unread == ['b.jpg']
        assert list(found.notes) == [
            'boxes without area, left out', 'images of which no shape could be read, left out'
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ('annotation', 'message'),
        [
            (dict(image_id=1, category_id=3), r'coco\.json, annotation 0: image_id refers to 1'),
            (dict(image_id=5, category_id=1), r'coco\.json, annotation 0: category_id refers to 1'),
            (dict(image_id=5, category_id=3, bbox=[1, 2]), 'annotation 0, bbox: expected 4 numbers'),
            (dict(image_id=5, category_id=3, bbox=[1, 2, 'x', 4]), 'annotation 0, bbox: expected 4 numbers'),
        ],
    )
    def test_bad_annotations_are_named(self, tmp_path, annotation, message):
        with pytest.raises(ValueError, match=message):
            self.read(tmp_path, [annotation])


class TestYolo:
    def read(self, root: Path, text: str, classes: str | None = None) -> Collection:
        write_image(root / 'images' / 'a.jpg', (100, 50))
        write(root, 'labels/a.txt', text)
        if classes is not None:
            write(root, 'classes.txt', classes)
        return FORMATS['yolo'].read(root / 'labels', root / 'images')

    def test_boxes_and_pose(self, tmp_path):
        found = self.read(
            tmp_path, '1 0.5 0.5 0.2 0.4\n0 0.5 0.5 0.2 0.4 0.1 0.2 2\n0 0.5 0.5 0.2 0.4 0 0 0\n', 'a\nb\n'
        )
        assert found.classes == ('a', 'b')
        np.testing.assert_allclose(found.images[0].points, [[50, 25], [10, 10], [50, 25]])
        np.testing.assert_allclose(found.images[0].boxes[0], [40, 15, 60, 35])

    def test_image_without_text_file_has_no_heads(self, tmp_path):
        write_image(tmp_path / 'images' / 'b.png')
        found = self.read(tmp_path, '')
        assert [len(image) for image in found.images] == [0, 0]

    @pytest.mark.parametrize(
        ('text', 'message'),
        [
            ('0 0.5 0.5 0.1\n', r"a\.txt, line 1: expected class cx cy w h, .* found '0 0.5 0.5 0.1'"),
            ('0 0.5 0.5 0.1 nan\n', r'a\.txt, line 1: expected class .* as finite numbers'),
            ('0 0.5 0.5 0.1 0.1\n0 a 0.5 0.1 0.1\n', r'a\.txt, line 2: expected class'),
            ('0 50 25 20 10\n', r'a\.txt, line 1: expected parts of the image size'),
            ('2 0.5 0.5 0.1 0.1\n', r'a\.txt, line 1: .* a class below 2'),
        ],
    )
    def test_bad_lines_are_named(self, tmp_path, text, message):
        with pytest.raises(ValueError, match=message):
            self.read(tmp_path, text, 'a\nb\n')

    def test_label_without_image(self, tmp_path):
        write(tmp_path, 'labels/b.txt', '')
        with pytest.raises(FileNotFoundError, match=r'b\.txt: no image in .* belongs to this file'):
            self.read(tmp_path, '')


@pytest.fixture
def xml_parser() -> None:
    pytest.importorskip('defusedxml')


@pytest.mark.usefixtures('xml_parser')
class TestVoc:
    XML = (
        '<annotation><filename>a.png</filename><object><name>head</name><bndbox><xmin>{}</xmin><ymin>3</ymin>'
        '<xmax>9</xmax><ymax>9</ymax></bndbox></object></annotation>'
    )

    def test_counts_from_one_unless_a_zero_is_found(self, tmp_path):
        write(tmp_path, 'a.xml', self.XML.format(1))
        found = FORMATS['voc'].read(tmp_path)
        assert found.images[0].boxes.tolist() == [[0, 2, 8, 8]]
        assert found.images[0].img_path == 'a.png'
        assert not found.notes
        write(tmp_path, 'b.xml', self.XML.format(0))
        found = FORMATS['voc'].read(tmp_path)
        assert found.images[1].boxes.tolist() == [[0, 3, 9, 9]]
        assert list(found.notes) == ['files, whose coordinates are taken to count from 0']


class TestLabelStudio:
    SIZE = dict(original_width=200, original_height=100, image_rotation=0)

    def task(self, *results: dict, **more) -> dict:
        return dict(
            dict(id=3, data=dict(image='/data/upload/1/1a2b3c4d-a%20b.jpg'), annotations=[dict(result=results)]), **more
        )

    def read(self, root: Path, *tasks: dict) -> Collection:
        write_image(root / 'images' / 'a b.jpg', (200, 100))
        return FORMATS['label_studio'].read(write(root, 'export.json', list(tasks)), root / 'images')

    def test_percent_and_prefix(self, tmp_path):
        value = dict(x=50, y=10, width=0.3, keypointlabels=['person'])
        point = dict(self.SIZE, type='keypointlabels', value=value, id='q')
        found = self.read(tmp_path, self.task(point), self.task(annotations=[dict(was_cancelled=True, result=[point])]))
        assert found.classes == ('person',)
        assert found.images[0].points.tolist() == [[100, 10]]
        assert found.images[0].img_path == 'a b.jpg'
        assert found.images[0].size == (200, 100)
        assert found.notes['tasks without annotation, left out'] == 1

    def test_bad_tasks_are_named(self, tmp_path):
        turned = dict(self.SIZE, type='rectanglelabels', id='q')
        turned['value'] = value = dict(x=1, y=1, width=1, height=1, rotation=30, rectanglelabels=['head'])
        found = self.read(tmp_path, self.task(turned))
        assert found.notes == {'turned boxes, taken as the upright boxes around them': 1}
        lacking = dict(type='keypointlabels', value=dict(x=1, y=1, keypointlabels=['head']))
        with pytest.raises(ValueError, match=r'task 3, result 0: expected the size of the image'):
            self.read(tmp_path, self.task(lacking))
        with pytest.raises(ValueError, match=r'export as JSON, not as JSON-MIN\): expected a list'):
            FORMATS['label_studio'].read(write(tmp_path, 'min.json', dict(a=1)))
        with pytest.raises(ValueError, match=r"as JSON, not as JSON-MIN\), task 3: expected 'data', found the keys"):
            self.read(tmp_path, dict(id=3, image='/data/upload/1/a.jpg', label=[value], annotator=1))


@pytest.mark.usefixtures('xml_parser')
class TestCvat:
    def read(self, root: Path, shapes: str) -> Collection:
        text = f'<annotations><image id="0" name="a.jpg" width="48" height="32">{shapes}</image></annotations>'
        return FORMATS['cvat'].read(write(root, 'cvat.xml', text))

    def test_several_points_in_a_shape(self, tmp_path):
        found = self.read(
            tmp_path, '<points label="head" points="1,2;3.5,4"/><polygon label="head" points="1,2;3,4;5,6"/>'
        )
        assert found.images[0].points.tolist() == [[1, 2], [3.5, 4], [3, 4]]
        assert has_box(found.images[0]).tolist() == [False, False, True]

    @pytest.mark.parametrize(
        ('shapes', 'message'),
        [
            (
                '<points label="head" points="1;2"/>',
                r"cvat\.xml, a\.jpg, points 0, points: expected 2 numbers, found \['1'\]",
            ),
            ('<box label="head" xtl="1"/>', r"cvat\.xml, a\.jpg, box 0: expected 'ytl', found the keys"),
            ('<box label="head" xtl="4" ytl="1" xbr="2" ybr="2"/>', r'a\.jpg, box 0: expected a box from its left'),
        ],
    )
    def test_bad_shapes_are_named(self, tmp_path, shapes, message):
        with pytest.raises(ValueError, match=message):
            self.read(tmp_path, shapes)

    def test_entities_are_refused(self, tmp_path):
        text = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><annotations>&b;</annotations>'
        with pytest.raises(ValueError, match=r'cvat\.xml: expected an XML file'):
            FORMATS['cvat'].read(write(tmp_path, 'cvat.xml', text))

    def test_tracks(self, tmp_path):
        shape = '<box frame="{}" outside="{}" xtl="{}" ytl="0" xbr="{}" ybr="4"/>'
        first = ''.join(shape.format(frame, out, 2 * frame, 2 * frame + 2) for frame, out in ((0, 0), (4, 0), (7, 1)))
        second = shape.format(1, 0, 20, 24) + shape.format(5, 1, 20, 24) + shape.format(7, 0, 30, 34)
        text = f'<annotations><track label="head">{first}</track><track label="bike">{second}</track></annotations>'
        for frame in range(8):
            write_image(tmp_path / 'images' / f'frame_{frame:06d}.PNG')
        found = FORMATS['cvat'].read(write(tmp_path, 'cvat.xml', text), tmp_path / 'images')
        points = {image.img_path[9:12]: image.points[:, 0].tolist() for image in found.images}
        assert points == {'000': [1], '001': [3, 22], '004': [9, 22], '005': [9], '007': [32]}
        assert found.unlisted == [f'frame_{frame:06d}.PNG' for frame in (2, 3, 6)]
        with pytest.raises(ValueError, match='frames have numbers and no names: give the folder of the images'):
            FORMATS['cvat'].read(tmp_path / 'cvat.xml')


class TestCsv:
    def read(self, root: Path, text: str) -> Collection:
        return FORMATS['csv'].read(write(root, 'a.csv', text))

    def test_separators_and_images_without_heads(self, tmp_path):
        found = self.read(tmp_path, '\ufeffimage;x;y\na.jpg;1.5;2\na.jpg;3;4\nb.jpg;;\n')
        assert [image.points.tolist() for image in found.images] == [[[1.5, 2], [3, 4]], []]

    def test_boxes_alone(self, tmp_path):
        found = self.read(tmp_path, 'image,x1,y1,x2,y2,label\na.jpg,1,2,3,6,bike\n')
        assert found.images[0].points.tolist() == [[2, 4]]
        assert found.classes == ('bike',)

    @pytest.mark.parametrize(
        ('text', 'message'),
        [
            ('a.jpg,1,2\n', r'a\.csv, line 1: expected the columns image, x, y'),
            ('image,x,y\na.jpg,1,2\na.jpg,1\n', r'a\.csv, line 3: expected 2 numbers'),
            ('image,x,y\n,1,2\n', r'a\.csv, line 2: expected the name of an image'),
            ('image,x,y\na.jpg,1,nan\n', r'a\.csv, line 2: expected 2 numbers'),
        ],
    )
    def test_bad_lines_are_named(self, tmp_path, text, message):
        with pytest.raises(ValueError, match=message):
            self.read(tmp_path, text)


def test_via_project_shapes_and_spellings(tmp_path):
    shapes = [
        dict(name='point', cx=1, cy=2),
        dict(name='circle', cx=5, cy=6, r=2),
        dict(name='rect', x=1, y=1, width=2, height=4),
        dict(name='polyline', all_points_x=[1, 2, 3], all_points_y=[1, 2, 3]),
        dict(name='polygon', all_points_x=[1, 2, 3], all_points_y=[5, 2, 3]),
        dict(name='ellipse', cx=9, cy=8, rx=2, ry=1, theta=1.5707963267948966),
    ]
    regions = {
        str(i): dict(shape_attributes=shape, region_attributes=dict(kind='car')) for i, shape in enumerate(shapes)
    }
    content = dict(_via_img_metadata={'a.jpg1': dict(filename='a.jpg', size=1, regions=regions)})
    found = FORMATS['via'].read(write(tmp_path, 'via.json', content))
    assert found.classes == ('car',)
    assert found.images[0].points.tolist() == [[1, 2], [5, 6], [2, 3], [2, 3.5], [9, 8]]
    assert has_box(found.images[0]).tolist() == [False, True, True, True, True]
    np.testing.assert_allclose(found.images[0].boxes[-1], [8, 6, 10, 10])
    assert found.notes == {'regions of type polyline, left out': 1}
    with pytest.raises(ValueError, match=r'via\.json: expected names with values'):
        FORMATS['via'].read(write(tmp_path, 'via.json', [1]))


def test_labelme_shapes(tmp_path):
    content = dict(imagePath='..\\images\\a.jpg', imageWidth=48, imageHeight=32)
    content['shapes'] = [
        dict(label='head', shape_type='point', points=[[1, 2]]),
        dict(label='head', shape_type='rectangle', points=[[9, 9], [5, 3]]),
        dict(label='ignore', shape_type='rectangle', points=[[0, 0], [3, 3]]),
        dict(label='head', shape_type='polygon', points=[[0, 0], [3, 3], [1, 2]]),
        dict(label='head', shape_type='linestrip', points=[[0, 0], [3, 3], [1, 2]]),
    ]
    write(tmp_path, 'a.json', content)
    found = FORMATS['labelme'].read(tmp_path)
    assert found.images[0].points.tolist() == [[1, 2], [7, 6], [1.5, 1.5]]
    assert found.images[0].boxes[1].tolist() == [5, 3, 9, 9]
    assert found.images[0].ignore_boxes.tolist() == [[0, 0, 3, 3]]
    assert found.images[0].img_path == 'a.jpg'
    assert found.notes == {'shapes of type linestrip with 3 points, left out': 1}
    assert found.notes.lines() == ['1 shapes of type linestrip with 3 points, left out: a.jpg 1']
    (tmp_path / 'empty').mkdir()
    with pytest.raises(FileNotFoundError, match=r'expected a folder of LabelMe files, found no \*\.json in it'):
        FORMATS['labelme'].read(tmp_path / 'empty')


def test_mot_writes_sequences(tmp_path):
    nothing, boxes = np.zeros((0, 4)), np.array([[1.5, 2, 9, 12.25], [0, 0, 4, 4]])
    points = (boxes[:, :2] + boxes[:, 2:]) / 2
    names = ['a/img1/001.jpg', 'a/img1/002.jpg', 'b/img1/001.jpg']
    images = [
        AnnotatedImage(names[0], points, boxes, np.array([0, 1]), boxes[:1]),
        AnnotatedImage(names[1], points[:1], boxes[:1], np.array([0])),
        AnnotatedImage(names[2], nothing[:, :2], nothing, np.zeros(0, np.int64)),
    ]
    for name in names:
        write_image(tmp_path / 'data' / name)
    FORMATS['mot'].write(Collection(('head', 'face'), images), tmp_path / 'data')
    assert (tmp_path / 'data/a/gt/gt.txt').read_text().splitlines()[0] == '1,1,2.5,3.0,7.5,10.25,1,1,1'
    read = FORMATS['mot'].read(tmp_path / 'data', tmp_path / 'data')
    assert read.classes == ('head', 'face')
    for image, again in zip(images, read.images, strict=True):
        assert image.img_path == again.img_path
        np.testing.assert_array_equal(image.boxes, again.boxes)
        np.testing.assert_array_equal(image.ignore_boxes, again.ignore_boxes)
    images[1].img_path = 'a/img1/x.jpg'
    with pytest.raises(ValueError, match='frame number of its own'):
        FORMATS['mot'].write(Collection(('head', 'face'), images), tmp_path / 'data')
    images[1].img_path = 'a/img1/f01.jpg'
    with pytest.raises(ValueError, match=r'that of a/img1/001\.jpg'):
        FORMATS['mot'].write(Collection(('head', 'face'), images), tmp_path / 'data')
