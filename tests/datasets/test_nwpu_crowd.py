"""NWPU-Crowd."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from mmcrowd.datasets import NWPUCrowd
from tests.datasets.dataset_tester import NO_HEADS, DatasetTester, Expected, OwnFolder
from tests.datasets.fixtures.images import write_image

LISTS = dict(train=['0001 1 1', '0003 2 0', '3169 0 2'], val=['3110 1 2', '3098 2 2', '3111 0 0'])


def write_labels(root: Path, name: str, points: np.ndarray, boxes: np.ndarray) -> None:
    content = dict(img_id=f'{name}.jpg', human_num=len(points), points=points.tolist(), boxes=boxes.tolist())
    (root / 'jsons').mkdir(parents=True, exist_ok=True)
    (root / 'jsons' / f'{name}.json').write_text(json.dumps(content))


class TestNWPUCrowd(OwnFolder, DatasetTester):
    loader = NWPUCrowd
    own_folder = 'NWPU-Crowd'
    configs = ('nwpu',)

    def write(self, root: Path) -> Expected:
        expected = dict(train={}, val={}, test={3610: NO_HEADS, 3611: NO_HEADS, 4000: NO_HEADS})
        for split, lines in LISTS.items():
            (root / f'{split}.txt').write_text('\r\n'.join(lines))
            for line in lines:
                name, _, level = line.split()
                points = NO_HEADS if level == '0' else np.array([[10.0, 11.5], [30.0, 20.0]])
                boxes = np.concatenate([points - 3, points + 3], axis=1)
                write_labels(root, name, points, boxes)
                expected[split][int(name)] = points
        (root / 'test.txt').write_text('3610\n3611\n4000\n')
        for images in expected.values():
            for number in images:
                part = min(5, (number - 1) // 1000 + 1)
                mode = {1: 'L', 3110: 'CMYK'}.get(number, 'RGB')
                write_image(root / f'images_part{part}' / f'{number:04d}.jpg', mode=mode)
        return expected

    def test_lists_decide_not_the_numbers(self, tmp_path):
        self.write(tmp_path)
        train = self.load(tmp_path, 'train')
        assert train.get_data_info(2)['img_id'] == 3169
        sample = train.get_data_info(0)
        assert (sample['luminance'], sample['level']) == (1, 1)
        np.testing.assert_array_equal(sample['heads'][0], [10, 11.5, 7, 8.5, 13, 14.5])

    def test_mat_in_place_of_json_and_merged_images(self, tmp_path):
        expected = self.write(tmp_path)['val']
        (tmp_path / 'jsons').rename(tmp_path / 'unused')
        (tmp_path / 'mats').mkdir()
        for number, points in expected.items():
            empty = np.zeros((0, 0))
            content = dict(annPoints=points if len(points) else empty)
            if number == 3110:
                content['annBoxes'] = np.concatenate([points - 3, points + 3], axis=1)
            savemat(tmp_path / 'mats' / f'{number:04d}.mat', content)
        (tmp_path / 'images_part4').rename(tmp_path / 'images')
        heads = [self.load(tmp_path, 'val').get_data_info(i)['heads'] for i in range(3)]
        assert [len(found) for found in heads] == [2, 2, 0]
        assert np.isnan(heads[1][:, 2:]).all()
        assert not np.isnan(heads[0]).any()

    @pytest.mark.parametrize(
        ('change', 'message'),
        [
            (dict(human_num=3), r'0001\.json: expected human_num 2, the number of points, found 3'),
            (dict(points=[[1, 2, 3]], human_num=1), r'0001\.json: expected points as an \(N, 2\) array'),
            (dict(boxes=[]), r'0001\.json: expected one box for each of 2 heads'),
            (None, r'0001\.json: expected the keys points, boxes and human_num'),
        ],
    )
    def test_bad_labels_are_named(self, tmp_path, change, message):
        self.write(tmp_path)
        path = tmp_path / 'jsons' / '0001.json'
        path.write_text(json.dumps({} if change is None else dict(json.loads(path.read_text()), **change)))
        with pytest.raises(ValueError, match=message):
            self.load(tmp_path, 'train')
        path.write_text('{"points": ')
        with pytest.raises(ValueError, match=r'0001\.json: expected a JSON file.*line 1'):
            self.load(tmp_path, 'train')

    def test_image_of_the_list_is_missing(self, tmp_path):
        self.write(tmp_path)
        (tmp_path / 'images_part1' / '0003.jpg').unlink()
        with pytest.raises(FileNotFoundError, match=r'0003\.jpg of train\.txt is in no folder'):
            self.load(tmp_path, 'train')


def test_real_lists(samples_root, tmp_path):
    """Lines, levels and the exchange of two images, from the official lists with empty images."""
    levels = dict(train=[213, 912, 1410, 543, 31], val=[35, 146, 229, 85, 5])
    image = write_image(tmp_path / 'one.jpg')
    (tmp_path / 'images').mkdir()
    for split in ('train', 'val', 'test'):
        text = (samples_root / 'nwpu' / f'{split}.txt').read_text()
        (tmp_path / f'{split}.txt').write_text(text)
        for line in text.splitlines():
            name = line.split()[0]
            (tmp_path / 'images' / f'{name}.jpg').symlink_to(image)
            if split != 'test':
                write_labels(tmp_path, name, NO_HEADS, np.zeros((0, 4)))
    found = {split: NWPUCrowd(str(tmp_path), split=split) for split in ('train', 'val', 'test')}
    assert {split: len(dataset) for split, dataset in found.items()} == dict(train=3109, val=500, test=1500)
    for split, expected in levels.items():
        assert (
            np.bincount([found[split].get_data_info(i)['level'] for i in range(len(found[split]))]).tolist() == expected
        )
    started = time.perf_counter()
    NWPUCrowd(str(tmp_path), split='train')
    print(f'3,109 images from the index: {time.perf_counter() - started:.2f} s')
