"""Data sets annotated in MATLAB files: UCF_CC_50, Mall, WorldExpo'10, GCC, Beijing-BRT."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from mmcrowd.datasets import GCC, UCFCC50, BeijingBRT, Mall, MaskOutsideRoi, WorldExpo10
from mmcrowd.datasets.roi import inside_mask, inside_polygon, polygon_mask, read_mask, read_perspective
from tests.datasets.dataset_tester import NO_HEADS, DatasetTester, Expected, OwnFolder
from tests.datasets.fixtures.images import write_image

EMPTY = np.zeros((0, 0))
"""How MATLAB spells no points."""


def cell(content) -> np.ndarray:
    wrapped = np.empty((1, 1), dtype=object)
    wrapped[0, 0] = content
    return wrapped


def save(path: Path, **content) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, content)


def save_hdf5(path: Path, **content) -> None:
    """A MATLAB 7.3 file: axes reversed, and an empty array stored as its size."""
    h5py = pytest.importorskip('h5py')
    with h5py.File(path, 'w', userblock_size=512) as file:
        for name, value in content.items():
            value = np.asarray(value, np.float64)
            if value.size:
                file[name] = value.T
            else:
                file[name] = np.array(value.shape, np.uint64)
                file[name].attrs['MATLAB_empty'] = np.uint8(1)
    with open(path, 'r+b') as file:
        file.write(b'MATLAB 7.3 MAT-file'.ljust(124) + b'\x00\x02IM')


class TestUCFCC50(DatasetTester):
    loader = UCFCC50
    configs = ('ucf_cc_50',)

    def write(self, root: Path) -> Expected:
        """Gray images, points outside, and files of another kind with similar names."""
        points = {number: np.array([[number / 2, 20.0], [30.0, 5.0]]) for number in range(1, 51)}
        points[6] = np.array([[-358.67, 3.0]])
        points[3] = points[23] = NO_HEADS
        folder = root / 'UCF_CC_50'
        for number, xy in points.items():
            write_image(folder / f'{number}.jpg', mode='L')
            save(folder / f'{number}_ann.mat', annPoints=xy if len(xy) else EMPTY)
        (folder / '2_ann.txt').touch()
        (folder / '2_ann.png').touch()
        test = {number: points[number] for number in range(1, 11)}
        return dict(test=test, train={number: points[number] for number in range(11, 51)}, all=points)

    @pytest.mark.parametrize('folds', ['sequential', 'ccnn', 'dcanet'])
    def test_folds(self, tmp_path, folds):
        self.write(tmp_path)
        tested = []
        for fold in range(5):
            ids = {}
            for split in ('train', 'test'):
                dataset = self.load(tmp_path, split, fold=fold, folds=folds)
                ids[split] = {dataset.get_data_info(i)['img_id'] for i in range(len(dataset))}
            assert len(ids['test']) == 10
            assert ids['test'] | ids['train'] == set(range(1, 51))
            assert not ids['test'] & ids['train']
            tested += sorted(ids['test'])
        assert sorted(tested) == list(range(1, 51))
        same_fold = any({41, 46} <= set(tested[i : i + 10]) for i in range(0, 50, 10))
        assert same_fold == (folds != 'dcanet')

    def test_bad_folds(self):
        with pytest.raises(ValueError, match=r'fold must be 0 to 4, got 5'):
            UCFCC50('.', fold=5)
        with pytest.raises(ValueError, match=r"folds must be one of .* got 'mine'"):
            UCFCC50('.', folds='mine')


def test_published_folds(samples_root):
    from mmcrowd.datasets.ucf_cc_50 import _ORDERS

    names = (samples_root / 'ucf_cc_50' / 'ccnn_ucf_order.txt').read_text().split()
    assert [name.removesuffix('.jpg') for name in names] == _ORDERS['ccnn'].split()


class TestMall(DatasetTester):
    loader = Mall
    configs = ('mall',)

    def write(self, root: Path) -> Expected:
        """Of the 2000 frames of the annotation file, those on the disk are read."""
        present = (1, 2, 3, 10, 800, 801, 1999, 2000)
        points = {n: NO_HEADS if n in (2, 1999) else np.array([[n % 40 + 0.5, 20.0], [45.0, 30.0]]) for n in present}
        frames, counts = np.empty((1, 2000), dtype=object), np.zeros((2000, 1))
        for number in range(1, 2001):
            frames[0, number - 1] = dict(loc=points.get(number, NO_HEADS))
            counts[number - 1] = len(points.get(number, NO_HEADS)) + (number == 3)
        for number in present:
            write_image(root / 'mall_dataset' / 'frames' / f'seq_{number:06d}.jpg')
        save(root / 'mall_dataset' / 'mall_gt.mat', frame=frames, count=counts)
        mask = np.zeros((32, 48), np.uint8)
        mask[:, :40] = 1
        save(root / 'mall_dataset' / 'perspective_roi.mat', roi=dict(mask=mask), pMapN=np.ones((32, 48)))
        train = {number: xy for number, xy in points.items() if number <= 800}
        return dict(train=train, test={number: xy for number, xy in points.items() if number > 800}, all=points)

    def test_region_and_count(self, tmp_path):
        self.write(tmp_path)
        dataset = self.load(tmp_path, 'train', roi=True)
        assert [len(dataset.get_data_info(i)['heads']) for i in range(3)] == [1, 0, 1]
        assert dataset.notes['heads outside the region of interest, dropped'] == 4
        assert dataset.notes['frames whose number of points is not their count'] == 1
        assert read_perspective(dataset.get_data_info(0)['perspective_file']).shape == (32, 48)


class TestWorldExpo10(OwnFolder, DatasetTester):
    loader = WorldExpo10
    own_folder = 'WorldExpo10'
    configs = ('world_expo',)
    hdf5 = False

    def write(self, root: Path) -> Expected:
        """Both separators, a frame without label, an empty label, heads outside the region, flat training frames."""
        expected = dict(train={}, test={})
        square = np.array([[5.0, 5.0], [40.0, 5.0], [40.0, 30.0], [5.0, 30.0]])
        inside, outside = np.array([[10.5, 12.25], [30.0, 6.0]]), np.array([[2.0, 2.0]])
        for split, scenes in (('train', ('104242-', '100010_')), ('test', ('104207_',))):
            for scene in scenes:
                for number in range(4):
                    name = f'{scene}{number}'
                    folder = root / f'{split}_frame' / (scene[:6] if split == 'test' else '')
                    write_image(folder / f'{name}.jpg')
                    if number == 3:
                        continue
                    points = [np.concatenate([inside, outside]), EMPTY, inside][number]
                    path = root / f'{split}_label' / scene[:6] / f'{name}.mat'
                    path.parent.mkdir(parents=True, exist_ok=True)
                    write = save_hdf5 if self.hdf5 else save
                    write(path, point_num=np.array([[len(points)]]), point_position=points)
                    expected[split][name] = NO_HEADS if number == 1 else inside
                x, y = square[:, :1], square[:, 1:]
                region = dict(maskVerticesXCoordinates=x, maskVerticesYCoordinates=y)
                save(root / f'{split}_label' / scene[:6] / 'roi.mat', **region)
                save(root / f'{split}_perspective' / f'{scene[:6]}.mat', pMap=np.full((32, 48), 7.0))
        # '_' sorts after the digits, '-' before them: frames are in the order of their names.
        return {split: dict(sorted(images.items())) for split, images in expected.items()}

    def test_region_scene_and_perspective(self, tmp_path):
        self.write(tmp_path)
        dataset = self.load(tmp_path, 'test')
        sample = dataset.get_data_info(0)
        assert sample['scene'] == '104207'
        assert sample['roi_polygon'].shape == (4, 2)
        assert read_perspective(sample['perspective_file'])[0, 0] == 7
        assert dataset.notes['frames without label, left out'] == 1
        assert dataset.notes['heads outside the region of interest, dropped'] == 1
        assert len(self.load(tmp_path, 'test', roi=False).get_data_info(0)['heads']) == 3

    def test_names_with_a_backslash(self, tmp_path):
        self.write(tmp_path)
        labels = tmp_path / 'test_label'
        (labels / '104207' / 'roi.mat').rename(labels / '104207\\roi.mat')
        assert len(self.load(tmp_path, 'test')) == 3
        (labels / '104207\\roi.mat').unlink()
        with pytest.raises(FileNotFoundError, match=r'test_label: expected 104207/roi\.mat'):
            self.load(tmp_path, 'test')


class TestWorldExpo10InMatlab73(TestWorldExpo10):
    hdf5 = True


class TestGCC(OwnFolder, DatasetTester):
    loader = GCC
    own_folder = 'GCC'
    configs = ('gcc',)

    def write(self, root: Path) -> Expected:
        """Rows of y and x."""
        expected, lists = dict(train={}, test={}), dict(train=[], test=[])
        for split, scene in (('train', 'scene_01_0'), ('train', 'scene_02_1'), ('test', 'scene_03_2')):
            for number in range(3):
                name = f'{number + 1545230000:010d}'
                points = NO_HEADS if number == 1 else np.array([[40.0, 5.5], [3.0, 30.0], [9.0, 9.0]][: number + 1])
                write_image(root / scene / 'pngs' / f'{name}.png')
                save(root / scene / 'mats' / f'{name}.mat', image_info=cell(dict(location=points[:, ::-1])))
                lists[split].append(f'2 12 EXTRASUNNY {scene} {name} {len(points)}')
                expected[split][f'{scene}/{name}'] = points
        (root / 'txt_list').mkdir()
        for split, lines in lists.items():
            (root / 'txt_list' / f'{split}_list.txt').write_text('\n'.join(lines))
        return expected

    def test_attributes_and_bad_list(self, tmp_path):
        self.write(tmp_path)
        sample = self.load(tmp_path, 'train').get_data_info(0)
        assert [sample[key] for key in ('level', 'time', 'weather', 'scene')] == ['2', '12', 'EXTRASUNNY', 'scene_01_0']
        with pytest.raises(FileNotFoundError, match='cross_camera_train_list'):
            self.load(tmp_path, 'train', setting='camera')
        (tmp_path / 'txt_list' / 'train_list.txt').write_text('1 2 3\n')
        with pytest.raises(ValueError, match=r"train_list\.txt, line 1: expected level .* found '1 2 3'"):
            self.load(tmp_path, 'train')


class TestBeijingBRT(DatasetTester):
    loader = BeijingBRT
    configs = ('beijing_brt',)

    def write(self, root: Path) -> Expected:
        """Points in bytes, whose sums overflow, and points outside."""
        expected = {}
        for split in ('train', 'test'):
            points = {
                'a': np.array([[250, 255], [3, 4]], np.uint8),
                'b': NO_HEADS,
                'c': np.array([[-3.5, 700.0]]),
            }
            for name, xy in points.items():
                write_image(root / split / 'frame' / f'{name}.jpg', (36, 64))
                save(root / split / 'ground_truth' / f'{name}.mat', loc=xy if len(xy) else EMPTY)
            expected[split] = points
        save(root / 'pMapN.mat', pMapN=np.ones((64, 36)))
        return expected

    def test_bytes_become_floats_before_arithmetic(self, tmp_path):
        self.write(tmp_path)
        heads = self.load(tmp_path, 'train', offset=10).get_data_info(0)['heads']
        np.testing.assert_array_equal(heads[0, :2], [260, 265])


def test_polygon():
    points = np.array([[1.0, 1.0], [9.95, 9.9], [5.0, 5.0], [0.0, 11.0]])
    concave = np.array([[0, 0], [10, 0], [10, 10], [5, 4], [0, 10]])
    assert inside_polygon(points, concave).tolist() == [True, True, False, False]
    assert inside_polygon(NO_HEADS, concave).shape == (0,)
    mask = polygon_mask(np.array([[0, 0], [4, 0], [4, 3], [0, 3]]), (6, 8))
    assert mask[:3, :4].all()
    assert not mask[4:].any()
    assert inside_mask(np.array([[0.5, 0.5], [-0.1, 0.5], [7.9, 5.9], [8.0, 1.0]]), mask).tolist() == [
        True,
        False,
        False,
        False,
    ]
    assert inside_mask(NO_HEADS, mask).shape == (0,)


def test_mask_of_another_size_is_named(tmp_path):
    savemat(tmp_path / 'mask.mat', dict(BW=np.ones((4, 4), np.uint8)))
    assert read_mask(tmp_path / 'mask.mat').all()
    with pytest.raises(ValueError, match=r'mask\.mat: expected a mask of 6 rows and 8 columns for the image a\.jpg'):
        MaskOutsideRoi()(dict(img=np.zeros((6, 8, 3), np.uint8), roi_file=str(tmp_path / 'mask.mat'), img_path='a.jpg'))


def test_outside_is_painted():
    image = np.zeros((6, 8, 3), np.uint8)
    result = MaskOutsideRoi(fill=(1, 2, 3))(dict(img=image, roi_polygon=np.array([[0, 0], [4, 0], [4, 3], [0, 3]])))
    assert result['img'][5, 7].tolist() == [1, 2, 3]
    assert result['img'][1, 1].tolist() == [0, 0, 0]
    assert not image.any()
    assert 'roi' not in MaskOutsideRoi()(dict(img=image))
