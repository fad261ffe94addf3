"""Checking, describing, converting and dividing data sets."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from scipy.io import savemat

from mmcrowd.apis.data_tools import (
    check_datasets,
    convert_annotations,
    dataset_configs,
    dataset_stats,
    make_split,
    read_samples,
    save_stats,
    split_groups,
)
from mmcrowd.apis.data_tools.image_scan import same_pictures, scan_image
from mmcrowd.apis.data_tools.stats import _histogram
from mmcrowd.datasets import CustomCrowd
from tests.datasets.fixtures.images import write_image


@pytest.fixture(autouse=True)
def index_folder(tmp_path_factory, monkeypatch) -> None:
    monkeypatch.setenv('MMCROWD_CACHE', str(tmp_path_factory.mktemp('cache')))


def own_data(root: Path, entries: list[dict], classes: tuple[str, ...] = ('head',)) -> Path:
    """A folder of images of noise, each another, with annotations."""
    (root / 'images').mkdir(parents=True, exist_ok=True)
    for number, entry in enumerate(entries):
        path = root / 'images' / entry['img_path']
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(number).integers(0, 255, (8, 12, 3), np.uint8)
        cv2.imwrite(str(path), cv2.resize(noise, (96, 64), interpolation=cv2.INTER_NEAREST))
    content = dict(metainfo=dict(classes=list(classes)), data_list=entries)
    (root / 'annotations.json').write_text(json.dumps(content))
    return root


def kinds(report) -> dict[str, int]:
    found: Counter = Counter()
    for finding in report.findings:
        found[finding.kind] += finding.count
    return dict(found)


class TestCheck:
    def check(self, root: Path, **kwargs):
        return check_datasets(dataset_configs(root), **kwargs)

    def test_nothing_wrong(self, tmp_path):
        report = self.check(own_data(tmp_path, [dict(img_path='a.png', points=[[1.5, 2], [30, 40]])]))
        assert report.ok
        assert not report.findings
        assert 'nothing found' in report.table()
        assert report.splits['all']['heads'] == 2

    def test_all_problems_at_once(self, tmp_path):
        own_data(
            tmp_path,
            [
                dict(img_path='gray.png', points=[[1, 2], [1, 2], [-5, 3]], boxes=[[0, 0, 2, 4], [1, 1, 1, 5], None]),
                dict(img_path='empty.png', points=[]),
                dict(img_path='cmyk.jpg', points=[[50, 60]], boxes=[[1, 1, 3, 3]]),
                dict(img_path='turned.jpg', points=[[5, 5]]),
                dict(img_path='tiny.png', points=[[5, 5]]),
            ],
        )
        folder = tmp_path / 'images'
        write_image(folder / 'gray.png', (96, 64), mode='L')
        write_image(folder / 'cmyk.jpg', (96, 64), mode='CMYK')
        write_image(folder / 'turned.jpg', (96, 64), orientation=6)
        write_image(folder / 'tiny.png', (30, 64))
        report = self.check(tmp_path)
        assert kinds(report) == {
            'image gray': 1,
            'point given twice': 1,
            'head closer than 1 pixel to another': 2,
            'point outside its image': 1,
            'box without area': 1,
            'point outside its box': 1,
            'image without heads': 1,
            'image in CMYK': 1,
            'image turned by EXIF': 1,
            'image tiny': 1,
        }
        assert report.ok, 'these are warnings'
        assert str(folder / 'gray.png') in report.table()

    def test_unreadable_image_is_an_error(self, tmp_path):
        own_data(tmp_path, [dict(img_path=f'{i}.jpg', points=[]) for i in range(2)])
        path = tmp_path / 'images' / '1.jpg'
        path.write_bytes(path.read_bytes()[:-400])
        report = self.check(tmp_path)
        assert kinds(report)['image unreadable'] == 1
        assert not report.ok

    def test_what_keeps_the_data_from_loading_is_all_reported(self, tmp_path):
        own_data(tmp_path, [dict(img_path=f'{i}.png', points=[], width=1, height=1) for i in range(30)])
        report = self.check(tmp_path)
        assert kinds(report) == {'cannot be loaded': 30}
        assert {finding.level for finding in report.findings} == {'error'}
        assert list(report.by_image()) == sorted(str(tmp_path / 'images' / f'{i}.png') for i in range(30))
        assert '29.png: the annotations are of an image of 1x1 pixels' in report.table()

    def test_published_numbers_and_shared_images(self, tmp_path):
        for split in ('Train', 'Test'):
            for number in range(1, 4):
                path = tmp_path / split / f'img_{number:04d}.jpg'
                path.parent.mkdir(exist_ok=True)
                seed = number if split == 'Test' or number > 1 else 99
                noise = np.random.default_rng(seed).integers(0, 255, (8, 12, 3), np.uint8)
                scale = 1 if split == 'Test' else 3
                cv2.imwrite(str(path), cv2.resize(noise, (96 * scale, 64 * scale), interpolation=cv2.INTER_NEAREST))
                savemat(path.with_name(f'img_{number:04d}_ann.mat'), dict(annPoints=[[1.5, 2.5]]))
        config = dict(type='mmcrowd.UCFQNRF', data_root=str(tmp_path), pipeline=[])
        report = check_datasets({s: dict(config, split=s) for s in ('train', 'test')})
        found = {(f.split, f.kind): f for f in report.findings}
        assert found['train', 'number of images'].detail == 'train: expected 1201 / 1011515, found 3 / 3'
        assert found['train, test', 'alike images in two splits'].count == 1
        assert kinds(report)['alike images in two splits'] == 2
        assert report.splits['train']['verdict'] == 'train: 1201 / 1011515: differs'
        assert not report.ok
        part = check_datasets(dict(train=dict(config, split='train', subset='train', val_split=0.4)))
        assert part.splits['train']['images'] == 2
        assert kinds(part)['number of images'] == 1198, 'the whole split is compared'

    def test_all_findings_worst_image_first(self, tmp_path):
        points = [[100 + i, 5.25] for i in range(40)]
        entries = [dict(img_path=f'{i}.png', points=[[50, 5.5]] + points[: 10 * i]) for i in range(4)]
        own_data(tmp_path, entries)
        (tmp_path / 'images' / '0.png').unlink()
        report = self.check_base(tmp_path)
        assert list(report.by_image()) == [str(tmp_path / 'images' / f'{i}.png') for i in (0, 3, 2, 1)]
        report.save(tmp_path / 'report.json')
        images = json.loads((tmp_path / 'report.json').read_text())['images']
        (found,) = images[str(tmp_path / 'images' / '3.png')]
        assert found['places'] == points[:30]
        assert [kind['count'] for kind in json.loads((tmp_path / 'report.json').read_text())['kinds']] == [1, 60]

    def check_base(self, root: Path):
        config = dict(type='mmcrowd.CrowdDataset', ann_file=str(root / 'annotations.json'), pipeline=[])
        return check_datasets(dict(all=dict(config, data_prefix=dict(img_path=str(root / 'images')))))

    @pytest.mark.parametrize('bad', [float('inf'), float('-inf'), 'partly'])
    def test_boxes_that_are_not_finite(self, tmp_path, bad):
        box = [1, 2, float('nan'), 4] if bad == 'partly' else [1, 2, bad, 4]
        own_data(tmp_path, [dict(img_path='a.png', points=[[2, 3], [5, 5]], boxes=[box, None])])
        report = self.check_base(tmp_path)
        assert kinds(report) == {'coordinates not finite': 1}
        assert not report.ok

    def test_regions_without_area(self, tmp_path):
        regions = [[9, 9, 4, 12], [1, 1, 1, 5], [float('nan')] * 4, [0, 0, 5, 5]]
        own_data(tmp_path, [dict(img_path='a.png', points=[[2, 3]], ignore_boxes=regions)])
        assert kinds(self.check_base(tmp_path)) == {'region to ignore without area': 3}

    def test_the_same_picture_again(self, tmp_path):
        entries = [dict(img_path=f'{i}.png', points=[[i, 1]]) for i in range(4)]
        own_data(tmp_path, entries)
        folder = tmp_path / 'images'
        picture = cv2.imread(str(folder / '0.png'))
        (folder / '2.png').write_bytes((folder / '0.png').read_bytes())
        cv2.imwrite(str(folder / '3.png'), cv2.resize(picture, (192, 128)))
        report = self.check(tmp_path)
        found = {Path(f.image).name: (f.kind, f.detail) for f in report.findings}
        assert set(found) == {'2.png', '3.png'}
        assert found['2.png'] == ('same image twice', f'{folder / "0.png"}, likeness 1.000')
        assert found['3.png'][0] == 'image alike another'
        assert found['3.png'][1].endswith(', and 1 more')
        own_data(tmp_path, [dict(entry, group='video') for entry in entries])
        (folder / '2.png').write_bytes((folder / '0.png').read_bytes())
        assert self.check(tmp_path).findings == [], 'frames of a video are alike'

    def test_the_same_picture_in_two_splits(self, tmp_path):
        for split, names in (('train', 'ab'), ('val', 'cd')):
            own_data(tmp_path, [dict(img_path=f'{n}.png', points=[[int(n == 'a'), 1]]) for n in names])
            (tmp_path / 'annotations.json').rename(tmp_path / f'{split}.json')
        config = dataset_configs(tmp_path)['all']
        configs = {split: dict(config, ann_file=f'{split}.json') for split in ('train', 'val')}
        report = check_datasets(configs)
        found = {(f.split, f.kind, Path(f.image).name) for f in report.findings}
        assert found == {('train, val', 'same image in two splits', f'{name}.png') for name in 'cd'}
        assert not report.ok

    def test_images_without_annotations(self, tmp_path):
        """They are counted over all splits; hidden files are none."""
        for split, names in (('train', ['a', 'sub/b']), ('val', ['c'])):
            own_data(tmp_path, [dict(img_path=f'{n}.png', points=[[len(n), 1]]) for n in names])
            (tmp_path / 'annotations.json').rename(tmp_path / f'{split}.json')
        folder = tmp_path / 'images'
        for name in ('d.PNG', 'sub/a.webp', '._a.png', 'Thumbs.db', 'notes.txt'):
            (folder / name).write_bytes(b'')
        config = dataset_configs(tmp_path)['all']
        configs = {split: dict(config, ann_file=f'{split}.json') for split in ('train', 'val')}
        report = check_datasets(configs, duplicates=False)
        assert {f.image for f in report.findings} == {str(folder / 'd.PNG'), str(folder / 'sub' / 'a.webp')}
        assert kinds(report) == {'image without annotations': 2}
        assert report.ok

    def test_pictures_that_are_not_seen_as_they_are_stored(self, tmp_path):
        own_data(tmp_path, [dict(img_path='a.png', points=[[9, 9]]), dict(img_path='b.tif', points=[[5, 5]])])
        deep = np.random.default_rng(0).integers(0, 4096, (64, 96), np.uint16)
        cv2.imwrite(str(tmp_path / 'images' / 'a.png'), deep)
        pages = [Image.fromarray(np.full((64, 96, 3), value, np.uint8)) for value in (50, 200)]
        pages[0].save(tmp_path / 'images' / 'b.tif', save_all=True, append_images=pages[1:])
        report = self.check(tmp_path)
        found = {Path(f.image).name: f.detail for f in report.findings if f.kind == 'image not seen as it is stored'}
        assert found['a.png'].startswith('16 bits per sample')
        assert found['b.tif'] == 'only the first of its 2 pages is read'

    def test_classes_are_told(self, tmp_path):
        own_data(tmp_path, [dict(img_path='a.png', points=[[1, 2], [5, 6]], labels=[1, 1])], ('head', 'bike'))
        report = self.check(tmp_path)
        assert report.splits['all']['classes'] == dict(head=0, bike=2)
        assert '0 head, 2 bike' in report.table()

    @pytest.mark.parametrize(
        ('published', 'verdict', 'found'),
        [
            ({}, 'nothing known', {}),
            (dict(all=[(2, 3)]), 'all: 2 / 3: equal', {}),
            (dict(all=[(2, None)]), 'all: 2 / ?: images equal, heads not published', {}),
            (dict(all=[(2, 5), (2, 7)]), 'all: 2 / 5 or 2 / 7: differs', {'number of heads': 2}),
            (dict(all=[(6, 3)]), 'all: 6 / 3: differs', {'number of images': 4}),
            (dict(other=[(6, 3)]), 'nothing known', {}),
        ],
    )
    def test_right_and_unknown_are_told_apart(self, tmp_path, monkeypatch, published, verdict, found):
        own_data(tmp_path, [dict(img_path='a.png', points=[[1, 2], [5, 6]]), dict(img_path='b.png', points=[[9, 9]])])
        monkeypatch.setattr(CustomCrowd, 'published', published)
        report = self.check(tmp_path)
        assert report.splits['all']['verdict'] == verdict
        assert kinds(report) == found

    def test_a_fold_is_compared_as_a_whole(self, tmp_path):
        for number in range(1, 51):
            noise = np.random.default_rng(number).integers(0, 255, (8, 12), np.uint8)
            cv2.imwrite(str(tmp_path / f'{number}.jpg'), cv2.resize(noise, (96, 64), interpolation=cv2.INTER_NEAREST))
            savemat(tmp_path / f'{number}_ann.mat', dict(annPoints=[[1.5, 2.5]]))
        config = dict(type='mmcrowd.UCFCC50', data_root=str(tmp_path), split='test', fold=1, pipeline=[])
        report = check_datasets(dict(test=config))
        assert report.splits['test']['images'] == 10
        assert report.splits['test']['verdict'] == 'all: 50 / 63974: differs'
        assert kinds(report)['number of heads'] == 63974 - 50

    def test_exchanged_axes(self, tmp_path):
        path = tmp_path / 'ground_truth'
        path.mkdir()
        points = np.random.default_rng(0).uniform((0, 0), (64, 96), (40, 2))
        (tmp_path / 'frame').mkdir()
        cv2.imwrite(str(tmp_path / 'frame' / 'a.jpg'), np.zeros((64, 96, 3), np.uint8))
        savemat(path / 'a.mat', dict(loc=points))
        (tmp_path / 'train').mkdir()
        for folder in ('frame', 'ground_truth'):
            (tmp_path / folder).rename(tmp_path / 'train' / folder)
        report = check_datasets(dict(train=dict(type='mmcrowd.BeijingBRT', data_root=str(tmp_path), pipeline=[])))
        assert kinds(report)['x and y exchanged'] == 1

    def test_coordinates_that_count_from_one(self, tmp_path):
        points = np.random.default_rng(0).integers(1, 60, (600, 2)).tolist()
        own_data(tmp_path, [dict(img_path='a.png', points=points)])
        assert 'coordinates seem to count from 1' in kinds(self.check(tmp_path))
        own_data(tmp_path, [dict(img_path='a.png', points=[[0, 5], *points])])
        assert 'coordinates seem to count from 1' not in kinds(self.check(tmp_path))

    def test_config_and_report_file(self, tmp_path):
        own_data(tmp_path, [dict(img_path='a.png', points=[[1.5, 2]])])
        config = tmp_path / 'config.py'
        dataset = dict(type='mmcrowd.CustomCrowd', data_root=str(tmp_path), pipeline=[])
        config.write_text(
            f'data = {dataset!r}\ntrain_dataloader = dict(dataset=data)\n'
            'val_dataloader = dict(dataset=dict(data, test_mode=True))\n'
        )
        configs = dataset_configs(config)
        assert list(configs) == ['train'], 'the same images once'
        report = check_datasets(configs)
        report.save(tmp_path / 'out' / 'report.json')
        assert json.loads((tmp_path / 'out' / 'report.json').read_text())['ok']

    def test_one_split_in_another_folder(self, tmp_path):
        """A copy without the lists of the config's splits is checked as a whole."""
        config = tmp_path / 'config.py'
        dataset = dict(type='mmcrowd.SCUTHead', data_root='nowhere', split='trainval', pipeline=[])
        config.write_text(
            f'train_dataloader = dict(dataset=dict({dataset!r}, subset="train"))\n'
            f'val_dataloader = dict(dataset=dict({dataset!r}, subset="val"))\n'
            f'test_dataloader = dict(dataset=dict({dataset!r}, split="test", test_mode=True))\n'
        )
        assert list(dataset_configs(config)) == ['train', 'val', 'test']
        (found,) = dataset_configs(config, data_root=tmp_path, split='all').items()
        assert found == ('all', dict(dataset, data_root=str(tmp_path), split='all', test_mode=False))

    def test_bad_sources(self, tmp_path):
        with pytest.raises(FileNotFoundError, match='expected a config or a folder with images'):
            dataset_configs(tmp_path / 'no.py')
        (tmp_path / 'empty.py').write_text('a = 1\n')
        table = tmp_path / 'heads.csv'
        table.write_text('image,x,y\n')
        with pytest.raises(ValueError, match=r'heads\.csv: a file of annotations, .*: \S+ --ann-file heads\.csv'):
            dataset_configs(table)
        with pytest.raises(ValueError, match='expected a config with train_dataloader'):
            dataset_configs(tmp_path / 'empty.py')


def test_same_pictures(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (90, 120), np.uint8)
    small = np.asarray(Image.fromarray(noise).resize((24, 18)))
    pictures = [small, cv2.GaussianBlur(small, (3, 3), 1), np.full((18, 24), 128, np.uint8), small[:, ::-1]]
    for i, array in enumerate(pictures):
        Image.fromarray(array).resize((240, 180), Image.Resampling.NEAREST).save(tmp_path / f'{i}.png')
    found = [scan_image(tmp_path / f'{i}.png').thumbnail for i in range(4)]
    assert found[2] is None, 'one gray says nothing'
    pairs = list(zip(*(side.tolist() for side in same_pictures(found[:1], found, 0.6)[:2]), strict=True))
    assert pairs == [(0, 0), (0, 1)]


def test_real_near_duplicates(data_root):
    """The six photographs that ShanghaiTech A has in both splits."""
    root = data_root / 'shanghaitech' / 'part_A'
    if not root.is_dir():
        pytest.skip(f'{root} not found')
    pairs = [(121, 98), (139, 82), (154, 181), (2, 173), (60, 40), (97, 142)]
    for train, test in pairs:
        pictures = [
            scan_image(root / f'{split}_data' / 'images' / f'IMG_{number}.jpg').thumbnail
            for split, number in (('train', train), ('test', test))
        ]
        assert pictures[0] @ pictures[1] >= 0.979


def test_real_shanghaitech(data_root, repo_root):
    """Nothing wrong but what is known of it."""
    root = data_root / 'shanghaitech'
    if not (root / 'part_A').is_dir():
        pytest.skip(f'{root}/part_A not found')
    configs = dataset_configs(repo_root / 'configs' / '_base_' / 'datasets' / 'shanghaitech_a.py')
    report = check_datasets({split: dict(config, data_root=str(root)) for split, config in configs.items()})
    assert report.ok
    totals = kinds(report)
    assert all(facts['verdict'].endswith('equal') for facts in report.splits.values())
    assert totals['image gray'] == 20
    assert sum(f.count for f in report.findings if 'closer' in f.kind and f.split != 'test') == 203
    assert totals['image alike another'] == 1
    assert totals['alike images in two splits'] == 6
    if report.splits['test']['heads'] == 78862:
        assert totals['point given twice'] == 63 + 61
        assert 'point outside its image' not in totals


class TestStats:
    def test_numbers(self, tmp_path):
        boxes = [[0, 0, 4, 4], None, None]
        own_data(
            tmp_path,
            [
                dict(img_path='a.png', points=[[2, 2], [5, 6], [90, 60]], boxes=boxes),
                dict(img_path='b.png', points=[]),
                dict(img_path='c.png', points=[[95.9, 63.9]]),
            ],
        )
        _, samples = read_samples(dataset_configs(tmp_path)['all'])
        stats = dataset_stats(samples, grid=2)
        assert (stats['images'], stats['heads'], stats['without_heads']) == (3, 4, 1)
        np.testing.assert_allclose(stats['values']['distance'], [5, 5, np.hypot(85, 54)])
        assert stats['size']['mean'] == 4
        assert stats['density'] == [[0.5, 0], [0, 0.5]]
        files = save_stats(dict(all=stats), tmp_path / 'out')
        assert json.loads(files[0].read_text())['all']['heads_per_image']['max'] == 3
        assert cv2.imread(str(files[1])) is not None

    @pytest.mark.parametrize(('values', 'rest'), [([1.0] * 199 + [50.0] * 3, 3), ([1.0, 2.0] * 50, 0)])
    def test_the_last_bar_says_that_it_holds_the_rest(self, values, rest):
        axis = Figure().subplots()
        _histogram(axis, np.array(values), 'size, px', 'heads')
        assert (axis.get_xlabel(), axis.get_ylabel()) == ('size, px', 'heads')
        texts = [text.get_text() for text in axis.texts]
        assert texts == ([f'last bar: all {rest} heads above 49.51,\nup to 50'] if rest else [])

    def test_nobody(self, tmp_path):
        own_data(tmp_path, [dict(img_path='a.png', points=[])])
        stats = dataset_stats(read_samples(dataset_configs(tmp_path)['all'])[1])
        assert stats['distance'] == {}
        save_stats(dict(all=stats), tmp_path)


class TestConvert:
    def test_checks_all_images(self, tmp_path):
        own_data(tmp_path, [dict(img_path=f'{i}.png', points=[], width=5, height=5) for i in range(2)])
        source = tmp_path / 'annotations.json'
        with pytest.raises(ValueError, match=r'(?s)0\.png: .*\n.*1\.png: the annotations are of an image of 5x5'):
            convert_annotations(source, tmp_path / 'a.csv', 'json', 'csv', tmp_path / 'images')
        assert len(convert_annotations(source, tmp_path / 'a.csv', 'json', 'csv').images) == 2
        with pytest.raises(FileNotFoundError, match='expected annotations there'):
            convert_annotations(tmp_path / 'no', tmp_path / 'a', 'json')


class TestSplit:
    def test_shares_and_counts(self):
        counts = np.random.default_rng(0).lognormal(4, 1.5, 500)
        parts = split_groups(counts, np.ones(500, int), (0.8, 0.1, 0.1))
        assert np.bincount(parts).tolist() == [400, 50, 50]
        medians = [np.median(counts[parts == part]) for part in range(3)]
        assert max(medians) / min(medians) < 1.15

    def test_seed(self):
        counts, sizes = np.arange(60.0), np.ones(60, int)
        same = [split_groups(counts, sizes, (3, 1), seed) for seed in (0, 0, 1)]
        assert (same[0] == same[1]).all()
        assert (same[0] != same[2]).any()

    @pytest.mark.parametrize('key', ['group', 'folder'])
    def test_groups_are_never_parted(self, tmp_path, key):
        entries = [
            dict(img_path=f'{i // 4}/{i}.jpg' if key == 'folder' else f'{i}.jpg', points=[[1, 2]] * (i % 7))
            for i in range(40)
        ]
        if key == 'group':
            entries = [dict(entry, group=f'video {i // 4}') for i, entry in enumerate(entries)]
        (tmp_path / 'a.json').write_text(json.dumps(dict(data_list=entries)))
        made = make_split(tmp_path / 'a.json', tmp_path / 'out', ratios=(0.6, 0.2, 0.2), by_folder=key == 'folder')
        number: Callable = lambda name: int(name.split('/')[-1].split('.')[0]) // 4  # noqa: E731
        groups = [{number(image.img_path) for image in part.images} for part in made.values()]
        assert sum(map(len, groups)) == len(set.union(*groups)) == 10
        assert [len(part.images) for part in made.values()] == [24, 8, 8]
        written = json.loads((tmp_path / 'out' / 'val.json').read_text())
        assert len(written['data_list']) == 8

    def test_images_that_show_the_same_stay_together(self, tmp_path):
        """Copies, other sizes and other exposures of one photograph, five of each, in any order."""
        entries = [dict(img_path=f'{i:02d}.png', points=[[1, 2]] * (i % 5)) for i in range(60)]
        own_data(tmp_path, entries)
        folder = tmp_path / 'images'
        for i in range(12, 60):
            picture = cv2.imread(str(folder / f'{i % 12:02d}.png'))
            changed = (
                picture,
                cv2.resize(picture, (192, 128)),
                (picture * 0.8).astype(np.uint8),
                255 - (255 - picture) // 2,
            )
            cv2.imwrite(str(folder / f'{i:02d}.png'), changed[i // 12 - 1])
        source = tmp_path / 'annotations.json'
        made = make_split(source, tmp_path / 'out', ratios=(0.5, 0.25, 0.25), images=folder)
        photographs = [{int(image.img_path[:2]) % 12 for image in part.images} for part in made.values()]
        assert sum(map(len, photographs)) == len(set.union(*photographs)) == 12
        assert sum(len(part.images) for part in made.values()) == 60
        parted = make_split(source, tmp_path / 'out', ratios=(0.5, 0.25, 0.25))
        assert set.intersection(*({int(i.img_path[:2]) % 12 for i in part.images} for part in parted.values()))
        (folder / '07.png').unlink()
        with pytest.raises(FileNotFoundError, match=r'07\.png: image file not found.* \(1 such\): give the folder'):
            make_split(source, tmp_path / 'out', images=folder)

    @pytest.mark.parametrize(
        ('kwargs', 'message'),
        [
            (dict(names=['a'], ratios=[0.5, 0.5]), 'expected a positive ratio for each name'),
            (dict(names=['a', 'b'], ratios=[1, 0]), 'expected a positive ratio for each name'),
            (dict(names=['a', 'b'], ratios=[float('nan'), 1]), 'expected a positive ratio for each name'),
            (dict(names=['a', 'b'], ratios=[1, float('inf')]), 'expected a positive ratio for each name'),
            (dict(), 'expected at least 3 groups of images to divide, found 1'),
        ],
    )
    def test_bad_arguments(self, tmp_path, kwargs, message):
        (tmp_path / 'a.json').write_text(json.dumps(dict(data_list=[dict(img_path='a.jpg', points=[])])))
        with pytest.raises(ValueError, match=message):
            make_split(tmp_path / 'a.json', tmp_path, **kwargs)
