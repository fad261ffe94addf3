"""What goes wrong in one format is tried in all: names given twice, found under other spellings, shapes not read."""

import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from mmcrowd.datasets.formats import FORMATS, AnnotatedImage, Collection
from tests.datasets.fixtures.images import write_image

pytest.importorskip('defusedxml')
NAN, INF = float('nan'), float('inf')
WRITABLE = sorted(name for name, format in FORMATS.items() if format.writable and name != 'mot')  # which numbers frames
NAMED = ('json', 'coco', 'csv', 'via', 'cvat', 'label_studio')
"""Formats of one file, which has the names of all images."""
PER_IMAGE = sorted(name for name, format in FORMATS.items() if format.suffix)
POINTS_ALONE = ('shanghaitech', 'points')


def picture(name: str, points=((20, 10),), boxes=((15, 5, 25, 15),), regions=()) -> AnnotatedImage:
    labels = np.zeros(len(points), np.int64)
    boxes = np.array(boxes, float).reshape(-1, 4)
    return AnnotatedImage(
        name, np.array(points, float), boxes, labels, np.array(regions, float).reshape(-1, 4), (48, 32)
    )


def written(root: Path, name: str, *images: AnnotatedImage) -> Path:
    """The images in a format, without boxes where it has none."""
    if name in POINTS_ALONE:
        images = [picture(i.img_path, i.points, np.full((len(i), 4), NAN)) for i in images]
    target = root / ('labels' if name in PER_IMAGE else 'labels.file')
    FORMATS[name].write(Collection(('head',), list(images)), target)
    return target


TWICE = [('a.jpg', './a.jpg'), ('a.jpg', 'A.JPG'), ('sub/é.jpg', unicodedata.normalize('NFD', 'sub\\é.jpg'))]


@pytest.mark.parametrize('name', WRITABLE)
@pytest.mark.parametrize('names', TWICE)
def test_no_image_is_written_twice(tmp_path, name, names):
    with pytest.raises(ValueError, match=r'expected every image once, found .* again'):
        written(tmp_path, name, *map(picture, names))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('name', PER_IMAGE)
@pytest.mark.parametrize('names', [('a.jpg', 'a.png'), ('sub/a.jpg', 'sub/A.webp')])
def test_no_file_is_written_twice(tmp_path, name, names):
    with pytest.raises(ValueError, match=r'expected every file to write once, found .* again'):
        written(tmp_path, name, *map(picture, names))
    assert not list(tmp_path.iterdir())


def test_the_file_of_the_classes_is_not_replaced(tmp_path):
    with pytest.raises(ValueError, match=r'classes\.jpg: expected every file to write once, found classes\.txt again'):
        written(tmp_path, 'yolo', picture('classes.jpg'))


@pytest.mark.parametrize('name', sorted(set(NAMED) - {'csv'}))
@pytest.mark.parametrize('names', TWICE)
def test_no_image_is_read_twice(tmp_path, name, names):
    path = written(tmp_path, name, picture(names[0]), picture('XXX.jpg'))
    other = json.dumps(names[1])[1:-1] if name not in ('cvat', 'csv') else names[1]
    path.write_text(path.read_text().replace('XXX.jpg', other))
    with pytest.raises(ValueError, match=r'labels\.file.*: expected every image once, found .* again'):
        FORMATS[name].read(path)


def test_a_table_gathers_the_rows_of_one_image(tmp_path):
    path = tmp_path / 'a.csv'
    path.write_text('image,x,y\na.jpg,1,2\n./a.jpg,3,4\nsub\\b.jpg,5,6\nsub/b.jpg,7,8\n')
    assert [(i.img_path, len(i)) for i in FORMATS['csv'].read(path).images] == [('a.jpg', 2), ('sub/b.jpg', 2)]
    path.write_text('image,x,y\na.jpg,1,2\nA.jpg,3,4\n')
    with pytest.raises(ValueError, match=r'a\.csv, line 3: expected every image once, found A\.jpg again'):
        FORMATS['csv'].read(path)


@pytest.mark.parametrize('name', PER_IMAGE)
def test_two_files_for_one_image_are_refused(tmp_path, name):
    path = written(tmp_path, name, picture('a.jpg'))
    write_image(tmp_path / 'images' / 'a.jpg')
    (file,) = path.glob('*a.*')
    file.with_name(file.name.replace('a.', 'A.')).write_bytes(file.read_bytes())
    with pytest.raises(ValueError, match='expected every image once'):
        FORMATS[name].read(path, tmp_path / 'images')


@pytest.mark.parametrize('name', PER_IMAGE)
def test_two_images_for_one_file_are_refused(tmp_path, name):
    path = written(tmp_path, name, picture('a.jpg'))
    for image in ('a.png', 'a.webp', 'a.crop.jpg'):
        write_image(tmp_path / 'images' / image)
    with pytest.raises(ValueError, match=r'a\.png or a\.webp'):
        FORMATS[name].read(path, tmp_path / 'images')
    (tmp_path / 'images' / 'a.webp').unlink()
    found = FORMATS[name].read(path, tmp_path / 'images')
    assert 'a.png' in [image.img_path for image in found.images]
    assert all(not len(image) for image in found.images if image.img_path != 'a.png')


@pytest.mark.parametrize('name', ['mot', 'cvat'])
def test_two_images_for_one_frame_are_refused(tmp_path, name):
    write_image(tmp_path / 'images' / '000001.jpg')
    text = dict(
        mot='1,1,2,3,4,5\n2,1,2,3,4,5\n',
        cvat='<annotations><track label="a"><points frame="2" points="1,2"/></track></annotations>',
    )
    (tmp_path / 'file').write_text(text[name])
    with pytest.raises(ValueError, match=r'file, frame 2: expected one image in .* whose name ends in 2, found none'):
        FORMATS[name].read(tmp_path / 'file', tmp_path / 'images')
    for image in ('000002.jpg', 'frame_2.png'):
        write_image(tmp_path / 'images' / image)
    with pytest.raises(ValueError, match=r'frame 2: .* found 000002\.jpg and frame_2\.png'):
        FORMATS[name].read(tmp_path / 'file', tmp_path / 'images')


SPELLINGS = [
    ('a.jpg', 'a.JPG'),
    ('a.b c.jpg', 'a.b c.jpeg'),
    ('img[1].jpg', 'img[1].jpg'),
    ('*.jpg', '*.png'),
    ('caf\u00e9.jpg', 'cafe\u0301.jpg'),
    ('cam1/a.jpg', 'cam1/a.png'),
    ('data/cam1/a.jpg', 'cam1/a.jpg'),
    ('0a1b2c3d-a b.jpg', 'a b.jpg'),
]


@pytest.mark.parametrize('name', WRITABLE)
@pytest.mark.parametrize(('given', 'there'), SPELLINGS)
def test_images_are_found_under_another_spelling(tmp_path, name, given, there):
    path = written(tmp_path, name, picture(given))
    write_image(tmp_path / 'images' / there)
    write_image(tmp_path / 'images' / 'other.jpg')
    found = FORMATS[name].read(path, tmp_path / 'images')
    assert {image.img_path: len(image) for image in found.images if len(image)} == {there: 1}


@pytest.mark.parametrize('name', NAMED)
@pytest.mark.parametrize(
    'given', ['cam1\\a.jpg', 'C:\\photos\\cam1\\a.jpg', '/home/me/cam1/a.jpg', 'cam1/a', '.\\cam1\\A']
)
def test_names_of_another_machine(tmp_path, name, given):
    path = written(tmp_path, name, picture('XXX.jpg'))
    spelled = given if name in ('cvat', 'csv') else json.dumps(given)[1:-1]
    path.write_text(path.read_text().replace('XXX.jpg', spelled))
    for image in ('cam1/a.jpg', 'cam2/a.jpg'):
        write_image(tmp_path / 'images' / image)
    found = FORMATS[name].read(path, tmp_path / 'images')
    assert [image.img_path for image in found.images] == ['cam1/a.jpg']
    assert found.unlisted == ['cam2/a.jpg']


@pytest.mark.parametrize('name', WRITABLE)
def test_hidden_files_are_no_data(tmp_path, name):
    path = written(tmp_path, name, picture('a.jpg'))
    write_image(tmp_path / 'images' / 'a.jpg')
    places = ['images/._a.jpg', 'images/.thumbs/a.jpg', 'images/__MACOSX/a.jpg']
    if name in PER_IMAGE:
        suffix = FORMATS[name].suffix
        places += [f'labels/{hidden}a{suffix}' for hidden in ('._', '__MACOSX/', '._GT_', '__MACOSX/GT_')]
    for place in places:
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_bytes(b'\0\5\x16\7 no data')
    found = FORMATS[name].read(path, tmp_path / 'images')
    assert [image.img_path for image in found.images] == ['a.jpg']
    assert not found.unlisted


@pytest.mark.parametrize('name', WRITABLE)
def test_images_without_an_entry_are_told(tmp_path, name):
    path = written(tmp_path, name, picture('a.jpg'))
    for image in ('a.jpg', 'b.jpg', 'sub/c.png'):
        write_image(tmp_path / 'images' / image)
    found, taken = (FORMATS[name].read(path, tmp_path / 'images', empty) for empty in (False, True))
    counts = {image.img_path: len(image) for image in taken.images}
    assert counts == {'a.jpg': 1, 'b.jpg': 0, 'sub/c.png': 0}
    assert not taken.unlisted
    assert sum(taken.notes.values()) == 2
    if name != 'yolo':  # where it is the rule
        assert found.unlisted == ['b.jpg', 'sub/c.png']
        assert len(found.images) == 1
        assert not found.notes


NOTHING = {
    'coco': dict(
        images=[dict(id=1, file_name='a.jpg'), dict(id=2, file_name='b.jpg')],
        annotations=[
            dict(image_id=1, category_id=1, keypoints=[1, 2, 0]),
            dict(image_id=2, category_id=1, bbox=[1, 2, 3, 4]),
        ],
        categories=[dict(id=1, name='head')],
    ),
    'via': {
        name: dict(filename=name, regions=[dict(shape_attributes=shape, region_attributes={})])
        for name, shape in (
            ('a.jpg', dict(name='polyline', all_points_x=[1, 2], all_points_y=[1, 2])),
            ('b.jpg', dict(name='point', cx=1, cy=2)),
        )
    },
    'label_studio': [
        dict(
            data=dict(image=name),
            annotations=[
                dict(result=[dict(type=kind, value=dict(x=1, y=2), original_width=48, original_height=32)])
            ],
        )
        for name, kind in (('a.jpg', 'brushlabels'), ('b.jpg', 'keypointlabels'))
    ],
    'cvat': '<annotations><image name="a.jpg"><polyline label="a" points="1,2;3,4"/></image>'
    '<image name="b.jpg"><points label="a" points="1,2"/></image></annotations>',
    'csv': 'image,x1,y1,x2,y2\na.jpg,1,2,1,9\nb.jpg,1,2,3,4\n',
}  # fmt: skip


@pytest.mark.parametrize('name', NOTHING)
def test_an_image_of_which_nothing_is_read_is_no_negative(tmp_path, name):
    path, content = tmp_path / 'file', NOTHING[name]
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    for image in ('a.jpg', 'b.jpg'):
        write_image(tmp_path / 'images' / image)
    for empty in (False, True):
        found = FORMATS[name].read(path, tmp_path / 'images', empty)
        assert [(image.img_path, len(image)) for image in found.images] == [('b.jpg', 1)]
        assert found.unread == ['a.jpg']
        assert not found.unlisted
        assert found.notes['images of which no shape could be read, left out'] == 1
        assert all(line.endswith(': a.jpg 1') for line in found.notes.lines())


@pytest.mark.parametrize('name', WRITABLE)
@pytest.mark.parametrize(
    'change',
    [
        dict(points=[[INF, 2]]),
        dict(points=[[NAN, 2]]),
        dict(boxes=[[1, 2, INF, 4]]),
        dict(boxes=[[1, 2, NAN, 4]]),
        dict(boxes=[[5, 2, 1, 4]]),
        dict(regions=[[1, 2, 3, -INF]]),
        dict(regions=[[NAN] * 4]),
        dict(regions=[[1, 5, 3, 2]]),
    ],
)
def test_what_is_not_finite_is_never_written(tmp_path, name, change):
    image = picture('a.jpg', **change)
    with pytest.raises(ValueError, match=r'a\.jpg: expected (points|boxes|ignore_boxes) of finite numbers'):
        FORMATS[name].write(Collection(('head',), [image]), tmp_path / 'out', lossy=True)
    assert not list(tmp_path.iterdir())


GROUPED = {
    'labelme': lambda shapes: dict(
        imagePath='a.jpg',
        shapes=[
            dict(
                label=label, shape_type='point' if len(at) == 2 else 'rectangle', group_id=1,
                points=[at[:2], at[2:]][: len(at) // 2],
            )
            for label, at in shapes
        ],
    ),
    'via': lambda shapes: {
        'a': dict(
            filename='a.jpg',
            regions=[
                dict(
                    region_attributes={'class': label, 'group_id': 1},
                    shape_attributes=dict(name='point', cx=at[0], cy=at[1])
                    if len(at) == 2
                    else dict(name='rect', x=at[0], y=at[1], width=at[2] - at[0], height=at[3] - at[1]),
                )
                for label, at in shapes
            ],
        )
    },
    'cvat': lambda shapes: '<annotations><image name="a.jpg">'
    + ''.join(
        f'<points label="{label}" group_id="1" points="{at[0]},{at[1]}"/>'
        if len(at) == 2
        else f'<box label="{label}" group_id="1" xtl="{at[0]}" ytl="{at[1]}" xbr="{at[2]}" ybr="{at[3]}"/>'
        for label, at in shapes
    )
    + '</image></annotations>',
}  # fmt: skip


@pytest.mark.parametrize('name', GROUPED)
def test_a_point_joins_the_box_of_its_group_and_label_that_holds_it(tmp_path, name):
    shapes = [
        ('head', [10, 10, 20, 20]), ('head', [30, 10, 40, 20]), ('head', [12, 13]), ('head', [38, 12]),
        ('head', [25, 25]), ('body', [5, 5, 22, 30]), ('body', [31, 11]),
    ]  # fmt: skip
    content = GROUPED[name](shapes)
    path = tmp_path / 'a.json'
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    found = FORMATS[name].read(path)
    (image,) = found.images
    heads = {
        (found.classes[label], *point, *box)
        for label, point, box in zip(image.labels, image.points.tolist(), image.boxes.tolist(), strict=True)
        if box[0] == box[0]
    }
    assert heads == {
        ('head', 12, 13, 10, 10, 20, 20),
        ('head', 38, 12, 30, 10, 40, 20),
        ('body', 13.5, 17.5, 5, 5, 22, 30),
    }
    alone = image.points[np.isnan(image.boxes).all(axis=1)].tolist()
    assert alone == [[25, 25], [31, 11]]


@pytest.mark.parametrize('name', ['cvat', 'label_studio', 'labelme', 'via'])
def test_points_outside_their_box_are_not_written_apart(tmp_path, name):
    image = picture('a.jpg', points=[[40, 30]])
    with pytest.raises(ValueError, match=r'a\.jpg: 1 of 1 points are outside their box'):
        written(tmp_path, name, image)
