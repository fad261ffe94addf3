"""UCF-QNRF."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from mmcrowd.datasets import UCFQNRF
from mmcrowd.datasets.readers import mat_points
from mmcrowd.datasets.ucf_qnrf import _BL_VAL
from tests.datasets.dataset_tester import NO_HEADS, DatasetTester, Expected
from tests.datasets.fixtures.images import write_image


class TestUCFQNRF(DatasetTester):
    loader = UCFQNRF
    configs = ('ucf_qnrf',)

    def write(self, root: Path) -> Expected:
        expected = {
            'train': {
                2: np.array([[10.5, 20.25], [-3.0, 5.0], [47.9, 40.5]]),
                7: np.array([[4.0, 5.0]]),
                9: NO_HEADS,
                10: np.array([[4.0, 5.0]]),
            },
            'test': {1: np.array([[5.0, -0.17], [30.0, 4.0]]), 6: np.array([[3.0, 44.0]]), 33: NO_HEADS},
        }
        for split, images in expected.items():
            folder = root / 'UCF-QNRF_ECCV18' / split.title()
            for number, points in images.items():
                orientation = 6 if number == 6 else 1
                write_image(
                    folder / f'img_{number:04d}.jpg', mode='L' if number == 2 else 'RGB', orientation=orientation
                )
                stored = np.zeros((0, 0)) if number == 9 else points
                savemat(folder / f'img_{number:04d}_ann.mat', dict(annPoints=stored))
        return expected

    def test_two_images_of_one_number(self, tmp_path):
        self.write(tmp_path)
        write_image(tmp_path / 'UCF-QNRF_ECCV18' / 'Train' / 'img_02.jpg')
        with pytest.raises(ValueError, match=r'img_02\.jpg: expected one file for 2, found .*img_0002\.jpg beside it'):
            self.load(tmp_path, 'train')

    def test_points_are_clipped_on_both_sides(self, tmp_path):
        self.write(tmp_path)
        heads = self.load(tmp_path, 'train', outside='clip').get_data_info(0)['heads']
        np.testing.assert_allclose(heads[:, :2], [[10.5, 20.25], [1 / 64, 5], [47.9, 32 - 1 / 64]])
        assert len(self.load(tmp_path, 'train', outside='drop').get_data_info(0)['heads']) == 1

    def test_rotated_image_is_decoded_upright(self, tmp_path):
        """A point at y = 44 is inside an image stored 48 wide and 32 high that is shown turned."""
        self.write(tmp_path)
        dataset = self.load(tmp_path, 'test', outside='drop')
        assert len(dataset.get_data_info(1)['heads']) == 1
        assert dataset[1]['inputs'].shape == (3, 48, 32)

    def test_bayesian_loss_split(self, tmp_path):
        self.write(tmp_path)
        ids = {subset: [] for subset in ('train', 'val')}
        for subset, found in ids.items():
            dataset = self.load(tmp_path, 'train', subset=subset, val_split='bl')
            found += [dataset.get_data_info(i)['img_id'] for i in range(len(dataset))]
        assert ids == dict(train=[2, 9, 10], val=[7])


def test_bayesian_loss_list_is_the_published_one(samples_root):
    published = (samples_root / 'qnrf' / 'bl_val.txt').read_text().split()
    assert sorted(int(name[4:8]) for name in published) == [int(number) for number in _BL_VAL.split()]


def test_real_annotation(samples_root):
    points = mat_points(samples_root / 'qnrf' / 'img_0001_ann.mat', 'annPoints')
    assert points.shape == (977, 2)
    assert points.min() == pytest.approx(-0.17, abs=0.01)
