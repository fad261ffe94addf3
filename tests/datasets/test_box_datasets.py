"""SCUT-HEAD, CrowdHuman and TRANCOS."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from mmcrowd.datasets import TRANCOS, CrowdHumanHeads, SCUTHead
from mmcrowd.datasets.readers import read_lines, read_numbers
from tests.datasets.dataset_tester import NO_HEADS, DatasetTester, Expected, OwnFolder
from tests.datasets.fixtures.images import write_image


@pytest.fixture
def xml_parser() -> None:
    pytest.importorskip('defusedxml')


def write_xml(path: Path, objects: list[tuple], size: tuple[int, int] = (0, 0)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    items = ''.join(
        f'<object><name>{name}</name><truncated>0</truncated><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin>'
        f'<xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>'
        for name, x1, y1, x2, y2 in objects
    )
    path.write_text(
        f'<annotation><filename>x</filename><size><width>{size[0]}</width><height>{size[1]}</height></size>'
        f'{items}</annotation>'
    )


@pytest.mark.usefixtures('xml_parser')
class TestSCUTHead(DatasetTester):
    loader = SCUTHead
    configs = ('scut_head_a',)

    def write(self, root: Path) -> Expected:
        """Counted from 1, a box without area, an odd class name, sizes of 0, lists in disorder."""
        folder = root / 'SCUT_HEAD_Part_A'
        objects = {
            0: [('head', 1, 1, 11, 21), ('head', 5, 5, 5, 9)],
            1: [('headdddddaaddwddd', 11, 11, 15, 17)],
            2: [],
            10: [('head', 2, 3, 8, 9)],
        }
        points = {0: [[5, 10]], 1: [[12, 13]], 2: NO_HEADS, 10: [[4, 5]]}
        expected = dict(trainval={}, test={}, all={})
        for shift, split in ((0, 'trainval'), (100, 'test')):
            for number, items in objects.items():
                name = f'PartA_{number + shift:05d}'
                write_image(folder / 'JPEGImages' / f'{name}.jpg')
                write_xml(folder / 'Annotations' / f'{name}.xml', items)
                expected[split][name] = expected['all'][name] = np.array(points[number], float)
            names = '\n'.join(reversed(expected[split]))
            (folder / 'ImageSets' / 'Main').mkdir(parents=True, exist_ok=True)
            (folder / 'ImageSets' / 'Main' / f'{split}.txt').write_text(names)
        return expected

    def test_boxes_count_from_zero(self, tmp_path):
        self.write(tmp_path)
        dataset = self.load(tmp_path, 'trainval')
        np.testing.assert_array_equal(dataset.get_data_info(0)['heads'], [[5, 10, 0, 0, 10, 20]])
        assert dataset.notes['boxes without area, dropped'] == 1
        assert dataset.notes["objects of another class than 'head', taken as heads"] == 1

    def test_both_parts_in_one_folder(self, tmp_path):
        self.write(tmp_path)
        folder = tmp_path / 'SCUT_HEAD_Part_A'
        write_image(folder / 'JPEGImages' / 'PartB_00000.jpg')
        write_xml(folder / 'Annotations' / 'PartB_00000.xml', [('head', 1, 1, 3, 3)])
        assert len(SCUTHead(str(folder), split='all')) == 8
        assert len(SCUTHead(str(folder), split='all', part='B')) == 1
        with open(folder / 'ImageSets' / 'Main' / 'trainval.txt', 'a') as file:
            file.write('\nPartB_00000\n')
        assert len(SCUTHead(str(folder), split='trainval')) == 4
        assert len(SCUTHead(str(folder), split='trainval', part='B')) == 1
        with pytest.raises(FileNotFoundError, match=r'expected a file named ImageSets/Main/val\.txt'):
            SCUTHead(str(folder), split='val')

    def test_bad_annotations_are_named(self, tmp_path):
        self.write(tmp_path)
        path = tmp_path / 'SCUT_HEAD_Part_A' / 'Annotations' / 'PartA_00001.xml'
        bomb = '<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>'
        for text, message in (
            ('<annotation><object><name>head</name></object></annotation>', "object 0: expected a 'bndbox'"),
            ('<annotation>', 'expected an XML file'),
            (bomb, 'expected an XML file'),
        ):
            path.write_text(text)
            with pytest.raises(ValueError, match=rf'PartA_00001\.xml.*{message}'):
                self.load(tmp_path, 'trainval')


@pytest.mark.usefixtures('xml_parser')
def test_real_scut_head(data_root):
    """Counts of the images that are there, of which a part may be missing."""
    root = data_root / 'scut_head'
    if not root.is_dir():
        pytest.skip(f'{root} not found')
    found = {split: SCUTHead(str(root), split=split) for split in ('trainval', 'test')}
    for split, dataset in found.items():
        samples = [dataset.get_data_info(i) for i in range(len(dataset))]
        boxes = np.concatenate([sample['heads'][:, 2:] for sample in samples])
        assert boxes.min() >= 0
        assert (boxes[:, 2:] > boxes[:, :2]).all()
        print(f'SCUT-HEAD A {split}: {len(samples)} images, {len(boxes)} heads, {dict(dataset.notes)}')
        names = {sample['img_id'] for sample in samples}
        flat = {f'PartA_{n:05d}' for n in (1002, 1003, 1014, 1060, 1072, 1088)}
        assert dataset.notes['boxes without area, dropped'] == len(names & flat)


@pytest.mark.parametrize(('part', 'trainval'), [('A', 1500), ('B', 1905)])
def test_real_scut_head_lists(samples_root, part, trainval):
    folder = samples_root / 'scut_head' / f'SCUT_HEAD_Part_{part}' / 'ImageSets' / 'Main'
    lists = {split: read_lines(folder / f'{split}.txt') for split in ('trainval', 'test')}
    assert {split: len(names) for split, names in lists.items()} == dict(trainval=trainval, test=500)
    assert not set(lists['trainval']) & set(lists['test'])


class TestCrowdHumanHeads(OwnFolder, DatasetTester):
    loader = CrowdHumanHeads
    own_folder = 'CrowdHuman'
    configs = ('crowd_human',)

    def write(self, root: Path) -> Expected:
        """A comma in names, masks, heads to ignore by either mark, persons without a head, coordinates below zero."""
        expected = {}
        for split in ('train', 'val'):
            person = dict(tag='person', fbox=[-5, -5, 30, 30], vbox=[0, 0, 20, 20])
            marks = dict(ignore=0, occ=0, unsure=0)
            persons = [
                dict(person, hbox=[4, 6, 8, 10], head_attr=marks, extra=dict(box_id=0, occ=1)),
                dict(person, hbox=[20, 6, 8, 10], head_attr=dict(marks, ignore=1), extra={}),
                dict(person, hbox=[1, 1, 2, 2], head_attr=marks, extra=dict(ignore=1)),
                dict(person, hbox=[9, 9, 9, 9], head_attr={}, extra={}),
                dict(tag='mask', hbox=[0, 0, 1, 1], fbox=[30, 20, 10, 5], vbox=[0, 0, 1, 1], extra=dict(ignore=1)),
                dict(person, hbox=[-3, 8, 8, 10], head_attr=marks),
            ]
            images = {f'273271,{split}1': persons, f'2,{split}2': persons[3:5], f'1,{split}3': persons[:1]}
            lines = [json.dumps(dict(ID=name, gtboxes=boxes)) for name, boxes in images.items()]
            (root / f'annotation_{split}.odgt').write_text('\n'.join(lines) + '\n')
            for name in images:
                write_image(root / 'Images' / f'{name}.jpg')
            points = ([[8, 11], [1, 13]], NO_HEADS, [[8, 11]])
            expected[split] = {name: np.array(xy, float) for name, xy in zip(images, points, strict=True)}
        return expected

    def test_bad_folder_and_split(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r'nowhere: expected a file named annotation_train\.odgt'):
            self.load(tmp_path / 'nowhere', 'train')

    def test_ignored_boxes(self, tmp_path):
        self.write(tmp_path)
        dataset = self.load(tmp_path, 'train')
        expected = [[20, 6, 28, 16], [1, 1, 3, 3], [30, 20, 40, 25]]
        np.testing.assert_array_equal(dataset.get_data_info(0)['ignore_boxes'], expected)
        assert dataset.notes['persons without an annotated head'] == 2

    def test_bad_lines_are_named(self, tmp_path):
        self.write(tmp_path)
        (tmp_path / 'annotation_train.odgt').write_text('{"ID": "a", "gtboxes": []}\n{"ID": "b"}\n')
        with pytest.raises(ValueError, match=r'annotation_train\.odgt, line 2: expected an ID and gtboxes'):
            self.load(tmp_path, 'train')


def test_real_crowd_human_records(samples_root, tmp_path):
    text = (samples_root / 'crowdhuman' / 'annotation_sample_excerpts.odgt').read_text()
    (tmp_path / 'annotation_train.odgt').write_text(text)
    for line in text.splitlines():
        write_image(tmp_path / 'Images' / f'{json.loads(line)["ID"]}.jpg')
    dataset = CrowdHumanHeads(str(tmp_path))
    heads = [len(dataset.get_data_info(i)['heads']) for i in range(len(dataset))]
    assert heads[0] == 5, 'six persons, of which one head is to be ignored'
    assert sum(len(dataset.get_data_info(i)['ignore_boxes']) for i in range(len(dataset))) >= 2


class TestTRANCOS(DatasetTester):
    loader = TRANCOS
    configs = ('trancos',)

    def write(self, root: Path) -> Expected:
        """Counted from 1, tabs, one row, no row, a region of interest, two vehicles on one pixel."""
        folder = root / 'TRANCOS_v3'
        mask = np.zeros((32, 48), np.uint8)
        mask[:, :40] = 1
        expected = {}
        for s, (split, name) in enumerate((('train', 'training'), ('val', 'validation'), ('test', 'test')), start=1):
            rows = {1: '1\t1\n40\t32\n41\t5\n7\t8\n7\t8\n', 2: '', 3: '5\t6'}
            points = {1: [[0.5, 0.5], [39.5, 31.5], [6.5, 7.5], [6.5, 7.5]], 2: NO_HEADS, 3: [[4.5, 5.5]]}
            names = {n: f'image-{s}-{n:06d}' for n in rows}
            for number, text in rows.items():
                write_image(folder / 'images' / f'{names[number]}.jpg')
                write_image(folder / 'images' / f'{names[number]}dots.png')
                (folder / 'images' / f'{names[number]}.txt').write_text(text)
                savemat(folder / 'images' / f'{names[number]}mask.mat', dict(BW=mask))
            (folder / 'image_sets').mkdir(exist_ok=True)
            (folder / 'image_sets' / f'{name}.txt').write_text('\n'.join(f'{name}.jpg' for name in names.values()))
            expected[split] = {names[n]: np.array(xy, float) for n, xy in points.items()}
        return expected

    def test_vehicles_in_the_region(self, tmp_path):
        self.write(tmp_path)
        dataset = self.load(tmp_path, 'train')
        assert dataset.metainfo['classes'] == ('vehicle',)
        assert dataset.notes['vehicles outside the region of interest, dropped'] == 1
        assert len(self.load(tmp_path, 'train', roi=False).get_data_info(0)['heads']) == 5


def test_real_trancos_rows(samples_root):
    points = read_numbers(samples_root / 'trancos' / 'image-1-000003.txt', 2)
    assert points[0].tolist() == [67, 462]
    lists = samples_root / 'trancos' / 'image_sets'
    assert len((lists / 'training.txt').read_text().split()) == 403
    assert len((lists / 'validation.txt').read_text().split()) == 420
