"""CroHD and GTA_Head: MOTChallenge files."""

from pathlib import Path

import numpy as np
import pytest

from mmcrowd.datasets import CroHD, GTAHead
from mmcrowd.datasets.mot import read_boxes
from tests.datasets.dataset_tester import NO_HEADS, DatasetTester, Expected
from tests.datasets.fixtures.images import write_image


class TestCroHD(DatasetTester):
    loader = CroHD
    configs = ('crohd',)

    def write(self, root: Path) -> Expected:
        """Rows in no order, boxes that leave the image, rows to ignore, a frame without rows, no rows for testing."""
        expected = dict(train={}, test={})
        for split, names in (('train', ('HT21-02', 'HT21-04')), ('test', ('HT21-11',))):
            for name in names:
                folder = root / 'HT21' / split / name
                for frame in (1, 2, 10):
                    write_image(folder / 'img1' / f'{frame:06d}.jpg')
                    expected[split][f'{name}/{frame:06d}'] = NO_HEADS
                (folder / 'det').mkdir()
                (folder / 'det' / 'det.txt').write_text('1,-1,1,1,5,5,1,-1,-1\n')
        rows = '10,7,20,20,4,6,1,1,1\n1,1,-3,4,10,8,1,1,0.5\n1,2,5,6,2,2,1,4,1\n1,3,30,2,9,9,0,2,1\n1,4,1,1,4,4,1,3,1\n'
        for name, text in (('HT21-02', rows), ('HT21-04', '2,1,1,1,3,3,1,1,1\n2,2,9,9,0,3,1,1,1')):
            (root / 'HT21' / 'train' / name / 'gt').mkdir()
            (root / 'HT21' / 'train' / name / 'gt' / 'gt.txt').write_text(text)
        expected['train'] |= {
            'HT21-02/000001': np.array([[2.0, 8.0], [6.0, 7.0]]),
            'HT21-02/000010': np.array([[22.0, 23.0]]),
            'HT21-04/000002': np.array([[2.5, 2.5]]),
        }
        return expected

    def test_rows_to_ignore_and_tracks(self, tmp_path):
        self.write(tmp_path)
        dataset = self.load(tmp_path, 'train')
        sample = dataset.get_data_info(0)
        assert sample['track'].tolist() == [1, 2]
        np.testing.assert_array_equal(sample['ignore_boxes'], [[30, 2, 39, 11], [1, 1, 5, 5]])
        assert dataset.get_data_info(1)['ignore_boxes'].shape == (0, 4)
        assert len(self.load(tmp_path, 'train', all_rows=True).get_data_info(0)['heads']) == 4
        packed = dataset[0]['data_samples']
        assert len(packed.ignored_instances) == 2
        assert len(packed.gt_instances) == 2

    def test_labels_beside_the_images(self, tmp_path):
        self.write(tmp_path)
        for name in ('HT21-02', 'HT21-04'):
            target = tmp_path / 'HT21Labels' / 'train' / name
            target.mkdir(parents=True)
            (tmp_path / 'HT21' / 'train' / name / 'gt').rename(target / 'gt')
        assert len(self.load(tmp_path, 'train').get_data_info(0)['heads']) == 2

    def test_sequence_is_held_out(self, tmp_path):
        self.write(tmp_path)
        dataset = self.load(tmp_path, 'train', subset='val', val_split=['HT21-04'])
        assert [dataset.get_data_info(i)['img_id'][:7] for i in range(len(dataset))] == ['HT21-04'] * 3
        with pytest.raises(ValueError, match=r"\['HT21-09'\] of val_split are not in the data"):
            self.load(tmp_path, 'train', subset='val', val_split=['HT21-09'])


class TestGTAHead(DatasetTester):
    loader = GTAHead
    configs = ('gta_head',)

    def write(self, root: Path) -> Expected:
        expected = dict(train={}, test={})
        for split, scenes in (('train', ('day/scene_1', 'scene_2')), ('test', ('scene_3',))):
            for scene in scenes:
                folder = root / 'GTA_Head' / split / scene
                for frame in (1, 2, 3):
                    write_image(folder / 'img1' / f'{frame:06d}.{"png" if frame == 2 else "jpg"}')
                    expected[split][f'{scene}/{frame:06d}'] = NO_HEADS
                (folder / 'gt').mkdir()
                (folder / 'gt' / 'gt.txt').write_text('2,1,10.5,4,3,5,1,1,1\n3,1,1,1,2,2\n')
                expected[split][f'{scene}/000002'] = np.array([[12.0, 6.5]])
                expected[split][f'{scene}/000003'] = np.array([[2.0, 2.0]])
        return expected


@pytest.mark.parametrize('text', ['1,2,3\n', '1,1,1,1,4,4,1,1,1\n1,1,x,1,4,4\n'])
def test_bad_rows_are_named(tmp_path, text):
    (tmp_path / 'gt.txt').write_text(text)
    with pytest.raises(ValueError, match=rf'gt\.txt, line {len(text.splitlines())}: expected frame,id,left'):
        read_boxes(tmp_path / 'gt.txt')


def test_no_rows(tmp_path):
    (tmp_path / 'gt.txt').write_text('')
    assert read_boxes(tmp_path / 'gt.txt') == {}
