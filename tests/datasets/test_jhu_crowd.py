"""JHU-CROWD++."""

from pathlib import Path

import numpy as np
import pytest

from mmcrowd.datasets import JHUCrowd
from tests.datasets.dataset_tester import NO_HEADS, DatasetTester, Expected
from tests.datasets.fixtures.images import write_image


class TestJHUCrowd(DatasetTester):
    loader = JHUCrowd
    configs = ('jhu',)

    def write(self, root: Path) -> Expected:
        expected = {}
        for split, first in (('train', 1), ('test', 2), ('val', 3)):
            folder = root / 'jhu_crowd_v2.0' / split
            rows = {
                first: '10 20 8 6 1 0\n60 20 3 3 2 1\n30 12 0 5 3 0\n',
                first + 9: '',
                first + 12: '7 8 4 4 1 1',
            }
            for number, text in rows.items():
                write_image(folder / 'images' / f'{number:04d}.jpg')
                (folder / 'gt').mkdir(exist_ok=True)
                (folder / 'gt' / f'{number:04d}.txt').write_text(text)
            (folder / 'image_labels.txt').write_text(
                f'{first:04d},3,cocnert,2,0\n{first + 9:04d},0,stadium,0,1\n{first + 12:04d},2,street,1,0\n'
            )
            expected[split] = {
                first: np.array([[10, 20], [60, 20], [30, 12]]),
                first + 9: NO_HEADS,
                first + 12: np.array([[7, 8]]),
            }
        return expected

    def test_boxes_and_attributes(self, tmp_path):
        self.write(tmp_path)
        dataset = self.load(tmp_path, 'train')
        sample = dataset.get_data_info(0)
        np.testing.assert_array_equal(sample['heads'][0], [10, 20, 6, 17, 14, 23])
        assert np.isnan(sample['heads'][:, 2]).tolist() == [False, False, True], 'a box of width 0 is none'
        assert sample['occlusion'].tolist() == [1, 2, 3]
        assert sample['blur'].tolist() == [0, 1, 0]
        assert (sample['scene'], sample['weather'], sample['distractor']) == ('cocnert', 2, 0)
        assert dataset.get_data_info(1)['distractor'] == 1
        assert dataset.notes['images whose number of heads is not that of image_labels.txt'] == 1

    def test_dropped_heads_take_their_attributes_along(self, tmp_path):
        self.write(tmp_path)
        sample = self.load(tmp_path, 'train', outside='drop').get_data_info(0)
        assert sample['occlusion'].tolist() == [1, 3]
        assert len(sample['heads']) == len(sample['labels']) == 2

    @pytest.mark.parametrize(
        ('file', 'text', 'message'),
        [
            ('gt/0001.txt', '1 2 3 4 1 0\n1 2 3\n', r"0001\.txt, line 2: expected 6 numbers, found '1 2 3'"),
            ('gt/0001.txt', '1 2 x 4 1 0\n', r'0001\.txt, line 1: expected 6 numbers'),
            ('image_labels.txt', '0001,3\n', r'image_labels\.txt: expected id,count,scene,weather,distractor'),
            ('image_labels.txt', '0001,3,a,0,0\n', r'expected a line for image 0010\.jpg, found none'),
        ],
    )
    def test_bad_files_are_named(self, tmp_path, file, text, message):
        self.write(tmp_path)
        (tmp_path / 'jhu_crowd_v2.0' / 'train' / file).write_text(text)
        with pytest.raises(ValueError, match=message):
            self.load(tmp_path, 'train')


def test_real_rows(samples_root, tmp_path):
    rows = (samples_root / 'jhu' / '0001.reconstructed_xywh.txt').read_text().splitlines()
    folder = tmp_path / 'train'
    write_image(folder / 'images' / '0001.jpg', (730, 513))
    (folder / 'gt').mkdir()
    (folder / 'gt' / '0001.txt').write_text('\n'.join(f'{row} 1 0' for row in rows))
    (folder / 'image_labels.txt').write_text(f'0001,{len(rows)},street,0,0\n')
    heads = JHUCrowd(str(tmp_path), outside='drop').get_data_info(0)['heads']
    assert len(heads) == len(rows) == 11
    normalised = np.loadtxt(samples_root / 'jhu' / '0001.yolo_rows.txt')[:, 1:] * [730, 513, 730, 513]
    np.testing.assert_allclose(heads[:, :2], normalised[: len(heads), :2], atol=0.01)
