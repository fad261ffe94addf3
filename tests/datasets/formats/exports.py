"""A small export of every format, as its program writes it, and ways to damage it value by value."""

import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from scipy.io import savemat

from mmcrowd.datasets.formats import FORMATS
from tests.datasets.fixtures.images import write_image

SIZE = (64, 48)
GONE = object()
BAD = (GONE, None, '', 'x', '\0', 7, -1, 0.5, True, [], {}, [None], [[]], float('nan'), float('inf'), 1e308, 10**400)
"""What a value is changed to; GONE leaves it out."""
BAD_TEXTS = ('', 'x', '-1', '0.5', 'nan', 'inf', '1e308', '9' * 400, '1_0', ';', ',', '"', '\ud7ff', '../../a.jpg')

COCO = dict(
    images=[dict(id=1, file_name='a.jpg', width=64, height=48), dict(id='b', file_name='sub\\b.jpg')],
    annotations=[
        dict(id=1, image_id=1, category_id=1, bbox=[1, 2, 4, 6], iscrowd=0, keypoints=[2, 3, 2, 0, 0, 0]),
        dict(id=2, image_id=1, category_id=1, segmentation=[[1, 2, 5, 2, 5, 9]]),
        dict(id=3, image_id='b', category_id=2, segmentation=dict(size=[48, 64], counts=[50, 4, 44, 4, 2970])),
        dict(id=4, image_id='b', category_id=2, bbox=[1, 2, 4, 6], iscrowd=1),
    ],
    categories=[
        dict(id=1, name='person', supercategory='all', keypoints=['nose', 'ankle']),
        dict(id=2, name='head', supercategory='all'),
    ],
)
LABELME = dict(
    imagePath='..\\images\\a.jpg',
    imageWidth=64,
    imageHeight=48,
    shapes=[
        dict(label='head', shape_type='point', points=[[3, 4]], group_id=1),
        dict(label='head', shape_type='rectangle', points=[[1, 2], [9, 9]], group_id=1),
        dict(label='head', shape_type='circle', points=[[20, 20], [22, 20]], group_id=None),
        dict(label='head', shape_type='polygon', points=[[20, 20], [22, 20], [21, 25]]),
    ],
)
_SIZE = dict(original_width=64, original_height=48, image_rotation=0)
LABEL_STUDIO = [
    dict(
        id=1,
        data=dict(image='/data/upload/3/0a1b2c3d-a.jpg'),
        annotations=[
            dict(
                was_cancelled=False,
                result=[
                    dict(_SIZE, id='k', type='keypointlabels', value=dict(x=10, y=20, keypointlabels=['head'])),
                    dict(_SIZE, id='r', type='rectangle', value=dict(x=1, y=2, width=9, height=8, rotation=0)),
                    dict(_SIZE, id='r', type='labels', value=dict(x=1, y=2, width=9, height=8, labels=['head'])),
                    dict(
                        _SIZE, id='t', type='rectanglelabels',
                        value=dict(x=50, y=50, width=9, height=8, rotation=30, rectanglelabels=['head']),
                    ),
                    dict(
                        _SIZE, id='e', type='ellipselabels',
                        value=dict(x=9, y=9, radiusX=2, radiusY=3, ellipselabels=['a']),
                    ),
                    dict(_SIZE, id='p', type='polygonlabels', value=dict(points=[[1, 2], [3, 4], [5, 0]])),
                ],
            )
        ],
    ),
    dict(id=2, data=dict(image='/data/local-files/?d=photos/sub/b.jpg'), annotations=[dict(result=[])]),
]  # fmt: skip
_REGIONS = [
    (dict(name='point', cx=4, cy=5), {'head': 'yes', 'group_id': '1'}),
    (dict(name='rect', x=1, y=2, width=9, height=8), {'head': {'yes': True}}),
    (dict(name='ellipse', cx=9, cy=9, rx=2, ry=3, theta=0.5), {}),
    (dict(name='polygon', all_points_x=[1, 2, 3], all_points_y=[1, 5, 3]), {}),
]
VIA = {
    'a.jpg1': dict(
        filename='a.jpg',
        size=1,
        file_attributes={},
        regions=[dict(shape_attributes=shape, region_attributes=attributes) for shape, attributes in _REGIONS],
    )
}
NATIVE = dict(
    metainfo=dict(classes=['head', 'bike']),
    data_list=[
        dict(img_path='a.jpg', points=[[1, 2], [3, 4]], boxes=[[0, 0, 4, 4], None], labels=[0, 1], width=64, height=48),
        dict(img_path='sub/b.jpg', points=[], ignore_boxes=[[0, 0, 9, 9]], group='video'),
    ],
)
CVAT = """<annotations><version>1.1</version><meta><task>
<original_size><width>64</width><height>48</height></original_size><labels><label><name>head</name></label></labels></task></meta>
<image id="0" name="a" width="64" height="48">
<box label="head" xtl="1" ytl="2" xbr="9" ybr="9" group_id="1"/><points label="head" points="3,4;5,6" group_id="1"/>
<box label="head" xtl="21" ytl="22" xbr="29" ybr="29" rotation="30"/><ellipse label="head" cx="9" cy="9" rx="2" ry="3"/>
<polygon label="head" points="1,2;5,2;3,9"/><mask label="head" left="3" top="4" width="5" height="6" rle="1"/>
<skeleton label="person"><points label="nose" points="30,31" outside="0"/><points label="foot" points="1,2"/></skeleton>
</image></annotations>"""
VIDEO = """<annotations><meta><task><original_size><width>64</width><height>48</height></original_size></task></meta>
<track id="0" label="head"><box frame="0" outside="0" xtl="1" ytl="2" xbr="9" ybr="9"/>
<box frame="2" outside="1" xtl="1" ytl="2" xbr="9" ybr="9"/></track>
<track id="1" label="head"><points frame="1" outside="0" points="3,4"/></track></annotations>"""
VOC = """<annotation><filename>a</filename><size><width>64</width><height>48</height><depth>3</depth></size>
<object><name>head</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object></annotation>"""
TEXTS = dict(
    yolo='0 0.25 0.5 0.1 0.2 0.91 3\n1 0.75 0.5 0.1 0.2 0.88 17\n',
    csv='Image;X;Y;xmin;ymin;xmax;ymax;class\na.jpg;3,5;4;1;2;9;9;head\nsub\\b.jpg;;;;;;;\n',
    points='3 4.5\n5,6\n',
    mot='1,7,1,2,8,7,1,1,1\n2,7,1,2,8,7,0,1,1\n2,8,21,2,8,7,1,2,0.5\n',
)
XMLS = dict(cvat=CVAT, video=VIDEO, voc=VOC)
JSONS = dict(json=NATIVE, coco=COCO, labelme=LABELME, label_studio=LABEL_STUDIO, via=VIA)
FOLDERS = dict(
    labelme='lab/a.json', voc='xml/a.xml', yolo='labels/a.txt', points='txt/a.txt', shanghaitech='mat/GT_a.mat'
)
"""Where a format has a file per image."""
EXPORTS = (*JSONS, *XMLS, *TEXTS, 'shanghaitech')


class Export:
    """An export in a folder, and its images.

    Args:
        name: Of the export: that of the format, or 'video' for CVAT's tracks.
        root: The folder.
    """

    def __init__(self, name: str, root: Path) -> None:
        self.format = FORMATS['cvat' if name == 'video' else name]
        self.name, self.images = name, root / 'images'
        frames = [f'frame_{i:03d}.jpg' for i in range(3)] if name in ('video', 'mot') else ['a.jpg', 'sub/b.jpg']
        for image in frames:
            write_image(self.images / image, SIZE)
        self.file = root / FOLDERS.get(name, f'export.{"json" if name in JSONS else "xml" if name in XMLS else "txt"}')
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.source = self.file.parent if name in FOLDERS else self.file
        if name == 'shanghaitech':
            info = np.empty((1, 1), dtype=object)
            info[0, 0] = dict(location=np.array([[3.0, 4], [5, 6]]), number=2.0)
            savemat(self.file, dict(image_info=info))
            self.content = self.file.read_bytes()
        else:
            self.content = JSONS.get(name) or XMLS.get(name) or TEXTS[name]
            self.write(self.content)

    def write(self, content) -> None:
        """Put something else in the place of the export."""
        content = json.dumps(content) if self.name in JSONS and not isinstance(content, str | bytes) else content
        self.file.write_bytes(content if isinstance(content, bytes) else content.encode('utf-8', 'surrogatepass'))

    def read(self):
        """What the reader makes of it."""
        return self.format.read(self.source, self.images)

    def damaged(self) -> Iterator:
        """The export with one value changed, for every value."""
        if self.name in JSONS:
            yield from _changed_json(self.content)
        elif self.name in XMLS:
            yield from _changed_xml(self.content)
        elif self.name in TEXTS:
            yield from _changed_text(self.content)
        else:
            yield from _changed_bytes(self.content)


def _changed_json(content) -> Iterator:
    for path in _paths(content):
        for value in BAD:
            changed = copy.deepcopy(content)
            parent = changed
            for key in path[:-1]:
                parent = parent[key]
            if value is GONE:
                del parent[path[-1]]
            else:
                parent[path[-1]] = value
            yield changed


def _paths(value, path: tuple = ()) -> Iterator[tuple]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _paths(item, (*path, key))


def _changed_xml(text: str) -> Iterator[str]:
    number = len(list(ElementTree.fromstring(text).iter()))
    for index in range(number):
        for change in _xml_changes(list(ElementTree.fromstring(text).iter())[index]):
            root = ElementTree.fromstring(text)
            change(root, list(root.iter())[index])
            yield ElementTree.tostring(root, encoding='unicode')


def _xml_changes(element) -> Iterator[Callable]:
    def gone(root, item) -> None:
        for parent in root.iter():
            if item in list(parent):
                parent.remove(item)

    yield gone
    yield lambda root, item: item.clear()
    yield lambda root, item: setattr(item, 'tag', 'other')
    yield lambda root, item: item.append(copy.deepcopy(item))
    for value in BAD_TEXTS:
        yield lambda root, item, value=value: setattr(item, 'text', value)
    for key in element.attrib:
        yield lambda root, item, key=key: item.attrib.pop(key)
        for value in BAD_TEXTS:
            yield lambda root, item, key=key, value=value: item.set(key, value)


def _changed_text(text: str) -> Iterator[str]:
    for word in re.finditer(r'[^\s,;]+', text):
        for value in BAD_TEXTS:
            yield text[: word.start()] + value + text[word.end() :]
    lines = text.splitlines(keepends=True)
    for i in range(len(lines)):
        yield ''.join(lines[:i] + lines[i + 1 :])
        yield ''.join([*lines[:i], lines[i].rstrip('\n') + ' 1;1,1\n', *lines[i + 1 :]])


def _changed_bytes(data: bytes) -> Iterator[bytes]:
    rng = np.random.default_rng(0)
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] = rng.integers(256)
        yield bytes(changed)
    for end in range(0, len(data), 16):
        yield data[:end]
