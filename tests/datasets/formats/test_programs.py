"""Spellings of annotation programs, each read as the program means it."""

import json
from pathlib import Path

import numpy as np
import pytest

from mmcrowd.datasets.formats import FORMATS, Collection
from tests.datasets.fixtures.images import write_image

pytest.importorskip('defusedxml')


RECTANGLE = dict(x=50, y=20, width=10, height=20)


def read(root: Path, name: str, content: object, images: bool = False) -> Collection:
    path = root / 'file'
    text = content if isinstance(content, str | bytes) else json.dumps(content)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return FORMATS[name].read(path, root / 'images' if images else None)


def heads(collection: Collection, image: int = 0) -> list[tuple]:
    """Class, point, and width and height of the box (0 if there is none)."""
    found = collection.images[image]
    sides = np.nan_to_num(found.boxes[:, 2:] - found.boxes[:, :2])
    rows = np.round(np.concatenate([found.points, sides], axis=1), 6).tolist()
    return [(collection.classes[label], *row) for label, row in zip(found.labels, rows, strict=True)]


class TestCoco:
    def read(self, root: Path, *objects: dict, categories=(dict(id=1, name='person'),), **image) -> Collection:
        content = dict(images=[dict(image, id=4, file_name='a.jpg')], categories=list(categories))
        content['annotations'] = [dict(dict(image_id=4, category_id=1), **item) for item in objects]
        return read(root, 'coco', content)

    @pytest.mark.parametrize(
        ('names', 'labelled', 'expected'),
        [
            (['nose', 'left_ankle'], {0, 1}, (0, 1)),
            (['nose', 'left_ankle'], {1}, (15, 25)),
            (['left_ankle', 'Head'], {0, 1}, (1, 2)),
            (['nose', 'head'], {0, 1}, (1, 2)),
            (['crown'], {0}, (0, 1)),
            (None, set(range(17)), (0, 1)),
            (None, {15}, (15, 25)),
        ],
    )
    def test_the_head_of_a_body(self, tmp_path, names, labelled, expected):
        """Keypoint i is at (i, i + 1), the centre of the box at (15, 25)."""
        number = len(names) if names else 17
        keypoints = [value for i in range(number) for value in (i, i + 1, 2 if i in labelled else 0)]
        category = dict(id=1, name='person', **({'keypoints': names} if names else {}))
        found = self.read(tmp_path, dict(bbox=[10, 20, 10, 10], keypoints=keypoints), categories=[category])
        assert heads(found) == [('person', *expected, 10, 10)]

    @pytest.mark.parametrize(
        ('segmentation', 'box'),
        [
            ([[1, 2, 5, 2, 5, 9], [0, 3, 2, 3, 1, 8]], [0, 2, 5, 9]),
            (dict(size=[4, 6], counts=[5, 2, 2, 2, 13]), [1, 1, 3, 3]),
            (dict(size=[4, 6], counts=[2, 5, 17]), [0, 0, 2, 4]),
        ],
    )
    def test_outlines_and_masks_alone(self, tmp_path, segmentation, box):
        assert self.read(tmp_path, dict(segmentation=segmentation)).images[0].boxes.tolist() == [box]

    def test_packed_masks_are_those_of_the_reference(self, tmp_path):
        mask_utils = pytest.importorskip('pycocotools.mask')
        rng = np.random.default_rng(0)
        for _ in range(20):
            mask = np.zeros((19, 23), np.uint8, order='F')
            y, x = rng.integers(0, 15), rng.integers(0, 19)
            mask[y : y + 4, x : x + 4] = rng.random((4, 4)) < 0.7
            packed = mask_utils.encode(mask)
            if not mask.any():
                continue
            x, y, width, height = mask_utils.toBbox(packed).tolist()
            found = self.read(tmp_path, dict(segmentation=dict(size=[19, 23], counts=packed['counts'].decode())))
            assert found.images[0].boxes.tolist() == [[x, y, x + width, y + height]]

    def test_a_category_that_others_belong_to_is_no_class(self, tmp_path):
        categories = [dict(id=0, name='heads', supercategory='none'), dict(id=1, name='head', supercategory='heads')]
        box = dict(bbox=[1, 2, 4, 6])
        assert self.read(tmp_path, box, categories=categories).classes == ('head',)
        assert self.read(tmp_path, box, dict(box, category_id=0), categories=categories).classes == ('heads', 'head')
        own = [dict(id=0, name='person', supercategory='person'), dict(id=1, name='bike', supercategory='vehicle')]
        assert self.read(tmp_path, box, categories=own).classes == ('person', 'bike')

    def test_ids_are_there_once(self, tmp_path):
        with pytest.raises(ValueError, match=r'category 1, id: expected every id once, found 1 again'):
            self.read(tmp_path, categories=[dict(id=1, name='a'), dict(id=1, name='b')])
        content = dict(images=[dict(id=1, file_name='a'), dict(id=1, file_name='b')], annotations=[], categories=[])
        with pytest.raises(ValueError, match=r'image 1, id: expected every id once, found 1 again, first in image 0'):
            read(tmp_path, 'coco', content)

    def test_ids_are_numbers_here_and_texts_there(self, tmp_path):
        found = self.read(tmp_path, dict(image_id='4', category_id='1', bbox=[10, 20, 10, 10]))
        assert heads(found) == [('person', 15, 25, 10, 10)]
        with pytest.raises(ValueError, match="annotation 0: image_id refers to '5', which the file does not have"):
            self.read(tmp_path, dict(image_id='5', bbox=[10, 20, 10, 10]))


class TestYolo:
    @pytest.mark.parametrize('pair', ['train/{}/a', '{}/train/a'])
    def test_the_folder_above_labels_and_images(self, tmp_path, pair):
        write_image(tmp_path / f'{pair.format("images")}.jpg', (100, 50))
        labels = tmp_path / f'{pair.format("labels")}.txt'
        labels.parent.mkdir(parents=True)
        labels.write_text('0 0.5 0.5 0.2 0.4\n')
        found = FORMATS['yolo'].read(tmp_path, tmp_path)
        assert [image.img_path for image in found.images] == [f'{pair.format("images")}.jpg']
        assert heads(found) == [('head', 50, 25, 20, 20)]

    def read(self, root: Path, text: str, **files: str) -> Collection:
        write_image(root / 'images' / 'a.jpg', (100, 50))
        (root / 'train' / 'labels').mkdir(parents=True)
        (root / 'train' / 'labels' / 'a.txt').write_text(text)
        for name, content in files.items():
            (root / name.replace('_', '.')).write_text(content)
        return FORMATS['yolo'].read(root / 'train' / 'labels', root / 'images')

    @pytest.mark.parametrize(
        ('text', 'point'),
        [
            ('0 0.5 0.5 0.2 0.4 0.91', (50, 25)),
            ('0 0.5 0.5 0.2 0.4 17', (50, 25)),
            ('0 0.5 0.5 0.2 0.4 0.91 17', (50, 25)),
            ('0 0.5 0.5 0.2 0.4 0.91 1', (50, 25)),
            ('0 0.5 0.5 0.2 0.4 0.45 0.4', (45, 20)),
            ('0 0.5 0.5 0.2 0.4 0.45 0.4 2', (45, 20)),
            ('0 0.4 0.3 0.6 0.3 0.6 0.7 0.4 0.7', (50, 25)),
            ('0 0.5 0.5 0.2 0.4' + ' 0.45 0.4 2' + ' 0.1 0.1 1' * 16, (45, 20)),
        ],
    )
    def test_columns_are_told_by_their_values(self, tmp_path, text, point):
        np.testing.assert_allclose(heads(self.read(tmp_path, text + '\n'))[0][1:], (*point, 20, 20))

    @pytest.mark.parametrize(
        'text',
        [
            '0 0.5 0.5 0.2 0.4 3.7', '0 0.5 0.5 0.2 0.4 3.7 5', '0 0.5 0.5 0.2 0.4 176 1700.5',
            '0 0.5 0.5 0.2 0.4 0.1 0.2 0.3', '0 0.5 0.5 0.2 0.4 9 9 9 9',
            '999999999 0.5 0.5 0.2 0.4', '-1 0.5 0.5 0.2 0.4', '0 0.5 0.5 -0.2 0.4',
        ],
    )  # fmt: skip
    def test_what_fits_nothing_is_refused(self, tmp_path, text):
        with pytest.raises(ValueError, match=r'a\.txt, line 1: expected'):
            self.read(tmp_path, text)

    @pytest.mark.parametrize(
        'files',
        [
            dict(data_yaml="nc: 2\nnames: ['bike', 'head']\n"),
            dict(data_yaml='names:\n  0: bike\n  1: head\n'),
            dict(obj_names='bike\nhead\n'),
            dict(classes_txt='bike\nhead\n'),
        ],
    )
    def test_names_of_classes(self, tmp_path, files):
        found = self.read(tmp_path, '1 0.5 0.5 0.2 0.4\n', **files)
        assert found.classes == ('bike', 'head')
        assert heads(found) == [('head', 50, 25, 20, 20)]

    @pytest.mark.parametrize(
        ('files', 'message'),
        [
            (
                dict(classes_txt='bike\n\nhead\n'),
                r'classes\.txt: expected the name of a class in every line, found line 2',
            ),
            (dict(classes_txt='bike\nbike\n'), r"classes\.txt: expected every class once, found 'bike' again"),
            (dict(data_yaml='names: {0: a, 2: b}'), r'data\.yaml, names: expected names of the classes 0, 1, 2'),
            (dict(data_yaml='names: ['), r'data\.yaml: expected a YAML file'),
        ],
    )
    def test_bad_names_of_classes(self, tmp_path, files, message):
        with pytest.raises(ValueError, match=message):
            self.read(tmp_path, '0 0.5 0.5 0.2 0.4\n', **files)


class TestTable:
    @pytest.mark.parametrize(
        'text',
        [
            'Image;X;Y\na.jpg;1,5;2\n',
            'IMAGE\tx\ty\na.jpg\t1,5\t2\n',
            'filename,x,y,note\n"a.jpg",1.5,2,\n',
            '\ufeffimage, x, y\na.jpg, 1.5, 2\n\n',
        ],
    )
    def test_spellings(self, tmp_path, text):
        assert heads(read(tmp_path, 'csv', text)) == [('head', 1.5, 2, 0, 0)]
        assert heads(read(tmp_path, 'csv', text.lstrip('\ufeff').encode('utf-16'))) == [('head', 1.5, 2, 0, 0)]

    def test_boxes_of_other_programs(self, tmp_path):
        text = 'filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,48,32,bike,1,2,5,8\n'
        found = read(tmp_path, 'csv', text)
        assert heads(found) == [('bike', 3, 5, 4, 6)]
        assert found.images[0].size == (48, 32)

    @pytest.mark.parametrize(
        ('text', 'message'),
        [
            (b'image,x,y\nb.jpg,1,2\n\xb3\xb5.jpg,1,2\n', 'line 3: expected text in UTF-8, found the byte 0xb3'),
            (b'image,x,y\na.jpg,1,2\n\0\0', 'line 3: expected text, found a NUL byte'),
            ('image,x,y\na.jpg,1,2,3\n', 'line 2: expected at most 3 columns'),
            ('image,x,y\na.jpg,1,2\na.jpg,12,5,30,5\n', 'line 3: expected at most 3 columns'),
            ('image,x,y\n"a.jpg,1,2\na.jpg,3,4\n', 'line 3: expected a row of a table'),
            ('image,x,y\n"a.jpg,1,2\n",3,4\n', 'line 3: expected at most 3 columns in one line'),
            ('image,x,y,X\na.jpg,1,2,3\n', "line 1: expected every column once, found 'x' twice"),
            ('image,x,y,w,h\na.jpg,1,2,3,4\n', 'line 1: expected boxes as x1, y1, x2, y2'),
            ('image,x1,y1,x2,y2\na.jpg,5,2,3,9\n', 'line 2: expected a box from its left upper'),
            ('image,x,y\na.jpg,1e300,2\n', 'line 2: expected 2 numbers, all finite'),
            ('', 'line 1: expected the columns image, x, y'),
        ],
    )
    def test_bad_lines_are_named(self, tmp_path, text, message):
        with pytest.raises(ValueError, match=rf'file, {message}'):
            read(tmp_path, 'csv', text)


def test_labelme_shapes_with_a_centre(tmp_path):
    shapes = [
        ('rectangle', [[1, 2], [5, 2], [5, 8], [1, 8]]),
        ('circle', [[10, 10], [13, 14]]),
        ('ellipse', [[10, 10], [14, 16]]),
        ('mask', [[1, 2], [5, 8]]),
    ]
    content = dict(imagePath='a.jpg', shapes=[dict(label='h', shape_type=kind, points=at) for kind, at in shapes])
    (tmp_path / 'a.json').write_text(json.dumps(content))
    found = FORMATS['labelme'].read(tmp_path)
    assert heads(found) == [('h', 3, 5, 4, 6), ('h', 10, 10, 10, 10), ('h', 12, 13, 4, 6), ('h', 3, 5, 4, 6)]


@pytest.mark.parametrize(
    ('shape', 'expected'),
    [
        ('<box label="h" xtl="1" ytl="2" xbr="5" ybr="8" rotation="90"/>', ('h', 3, 5, 6, 4)),
        ('<ellipse label="h" cx="9" cy="8" rx="2" ry="3"/>', ('h', 9, 8, 4, 6)),
        ('<cuboid label="h" xtl1="1" ytl1="2" xbr1="5" ybr1="8" xtl2="3" ytl2="0"/>', ('h', 3, 4, 4, 8)),
        (
            '<skeleton label="p"><points label="foot" points="1,2" outside="0"/>'
            '<points label="nose" points="9,8" outside="0"/></skeleton>',
            ('p', 9, 8, 0, 0),
        ),
        (
            '<skeleton label="p"><points label="1" points="1,2"/><points label="2" points="5,8"/>'
            '<points label="3" points="90,90" outside="1"/></skeleton>',
            ('p', 3, 5, 0, 0),
        ),
    ],
)  # fmt: skip
def test_cvat_shapes_with_a_centre(tmp_path, shape, expected):
    found = read(tmp_path, 'cvat', f'<annotations><image name="a.jpg">{shape}</image></annotations>')
    assert heads(found) == [expected]


@pytest.mark.parametrize(
    ('results', 'expected'),
    [
        ([('rectangle', RECTANGLE), ('labels', dict(labels=['bike']))], ('bike', 110, 30, 20, 20)),
        ([('labels', dict(RECTANGLE, labels=['bike']))], ('bike', 110, 30, 20, 20)),
        ([('rectangle', RECTANGLE)], ('head', 110, 30, 20, 20)),
        ([('keypoint', dict(x=50, y=20, width=1)), ('labels', dict(labels=['bike']))], ('bike', 100, 20, 0, 0)),
        ([('ellipselabels', dict(x=50, y=20, radiusX=5, radiusY=5, ellipselabels=['a']))], ('a', 100, 20, 20, 10)),
        ([('polygonlabels', dict(points=[[10, 20], [20, 40], [15, 50]], polygonlabels=['a']))], ('a', 30, 35, 20, 30)),
        (
            [('rectanglelabels', dict(x=50, y=50, width=10, height=20, rotation=90, rectanglelabels=['a']))],
            ('a', 90, 60, 20, 20),
        ),
    ],
)  # fmt: skip
def test_label_studio_results(tmp_path, results, expected):
    made = [dict(type=t, value=v, id='q', original_width=200, original_height=100) for t, v in results]
    found = read(tmp_path, 'label_studio', [dict(data=dict(image='a.jpg'), annotations=[dict(result=made)])])
    assert heads(found) == [expected]


def test_an_image_turned_in_label_studio_is_refused(tmp_path):
    made = dict(type='keypointlabels', value=dict(x=1, y=2), original_width=200, original_height=100, image_rotation=90)
    with pytest.raises(ValueError, match='expected an image that is not turned in Label Studio'):
        read(tmp_path, 'label_studio', [dict(data=dict(image='a.jpg'), annotations=[dict(result=[made])])])


@pytest.mark.parametrize('attributes', [{'head': {'yes': True}}, {'head': 'yes'}, {'head': '1', 'class': ''}])
def test_an_attribute_of_via_called_head_is_ordinary(tmp_path, attributes):
    shapes = [dict(name='rect', x=1, y=1, width=9, height=9), dict(name='point', cx=5, cy=5)]
    regions = [dict(shape_attributes=shape, region_attributes=attributes) for shape in shapes]
    found = read(tmp_path, 'via', {'a': dict(filename='a.jpg', regions=regions)})
    assert len(found.images[0]) == 2


def test_sequences_of_mot(tmp_path):
    for name in ('one', 'two'):
        (tmp_path / 'gt' / name / 'gt').mkdir(parents=True)
        (tmp_path / 'gt' / name / 'gt' / 'gt.txt').write_text('1,1,2,3,10,10,1,1,1\n3,1,2,3,10,10,0,1,1\n')
        for frame in (1, 2, 3):
            write_image(tmp_path / 'images' / name / 'img1' / f'{frame:06d}.jpg')
    found = FORMATS['mot'].read(tmp_path / 'gt', tmp_path / 'images')
    assert [image.img_path for image in found.images] == [
        f'{s}/img1/00000{f}.jpg' for s in ('one', 'two') for f in (1, 2, 3)
    ]
    assert heads(found) == [('head', 6, 7, 10, 10)]
    assert found.images[2].ignore_boxes.tolist() == [[1, 2, 11, 12]]
    assert found.notes == {'frames without rows, taken as without heads': 2}
