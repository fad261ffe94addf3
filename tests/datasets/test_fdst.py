"""FDST."""

import json
from pathlib import Path

import numpy as np
import pytest

from mmcrowd.datasets import FDST
from tests.datasets.dataset_tester import NO_HEADS, DatasetTester, Expected
from tests.datasets.fixtures.images import write_image


class TestFDST(DatasetTester):
    loader = FDST
    configs = ('fdst',)

    def write(self, root: Path) -> Expected:
        """Both spellings of regions, a frame without one, videos whose names sort otherwise than their numbers."""
        expected = dict(train={}, test={})
        for split, videos in (('train', (2, 11)), ('test', (4, 100))):
            for video in videos:
                for frame in (1, 2, 10):
                    boxes = [] if frame == 10 else [(10, 4, 6, 8), (40, 20, 5, 5)][:frame]
                    regions = [
                        dict(shape_attributes=dict(name='rect', x=x, y=y, width=w, height=h)) for x, y, w, h in boxes
                    ]
                    if frame == 2:
                        regions = {str(i): region for i, region in enumerate(regions)}
                    image = write_image(root / 'FDST' / f'{split}_data' / str(video) / f'{frame:03d}.jpg')
                    entry = dict(filename=image.name, size=12345, regions=regions, file_attributes={})
                    image.with_suffix('.json').write_text(json.dumps({f'{image.name}12345': entry}))
                    points = np.array([(x + w / 2, y + h / 2) for x, y, w, h in boxes])
                    expected[split][f'{video}/{frame:03d}'] = points if len(points) else NO_HEADS
        return expected

    def test_videos_stay_whole(self, tmp_path):
        self.write(tmp_path)
        parts = []
        for subset in ('train', 'val'):
            dataset = self.load(tmp_path, 'train', subset=subset, val_split=0.5)
            parts.append({dataset.get_data_info(i)['img_id'].split('/')[0] for i in range(len(dataset))})
        assert len(parts[0]) == len(parts[1]) == 1
        assert parts[0] != parts[1]

    @pytest.mark.parametrize(
        ('content', 'message'),
        [
            ({}, 'expected the entry of one image, found 0 entries'),
            (dict(a=dict()), "expected 'regions'"),
            (
                dict(a=dict(regions=[dict(shape_attributes=dict(name='point', cx=1, cy=2))])),
                "a rectangle, found 'point'",
            ),
        ],
    )
    def test_bad_annotations_are_named(self, tmp_path, content, message):
        self.write(tmp_path)
        (tmp_path / 'FDST' / 'train_data' / '2' / '001.json').write_text(json.dumps(content))
        with pytest.raises(ValueError, match=rf'001\.json.*{message}'):
            self.load(tmp_path, 'train')


def test_real_lists(samples_root):
    """The videos of the published lists are those of the test rule: every fourth and fifth of five."""
    lists = {
        split: json.loads((samples_root / 'fdst' / f'mesnico_{split}.json').read_text()) for split in ('train', 'test')
    }
    videos = {split: {int(name.split('/')[1]) for name in names} for split, names in lists.items()}
    assert {video % 5 for video in videos['test']} == {0, 4}
    assert {video % 5 for video in videos['train']} <= {1, 2, 3}
