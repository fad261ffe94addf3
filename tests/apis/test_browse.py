"""Browsing a dataset: what is written is what the network receives."""

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from mmcrowd.apis import browse_dataset, iterate_split
from mmcrowd.visualization import CrowdLocalVisualizer


@pytest.fixture
def cfg(tmp_path) -> Config:
    """A dataset of two images, the first without heads."""
    image = np.zeros((48, 64, 3), np.uint8)
    image[..., 2] = 200
    for name in ('a', 'b'):
        cv2.imwrite(str(tmp_path / f'{name}.png'), image)
    entries = [
        dict(img_path='a.png', points=[]),
        dict(img_path='b.png', points=[[10.5, 20.5]], boxes=[[5, 15, 15, 25]]),
    ]
    Config(dict(metainfo={}, data_list=entries)).dump(tmp_path / 'heads.json')
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='mmcrowd.LoadHeads'),
        dict(type='mmcrowd.EncodeTargets', codec=dict(type='mmcrowd.FIDTCodec', stride=2)),
        dict(type='mmcrowd.PackCrowdInputs'),
    ]
    dataset = dict(
        type='mmcrowd.CrowdDataset',
        ann_file=str(tmp_path / 'heads.json'),
        data_prefix=dict(img_path=str(tmp_path)),
        pipeline=pipeline,
    )
    return Config(
        dict(train_dataloader=dict(dataset=dataset), val_dataloader=dict(dataset=dict(dataset, test_mode=True)))
    )


def test_samples_are_rgb_with_heads_and_targets(cfg: Config) -> None:
    (image, empty), (_, one) = iterate_split(cfg, 'train')
    assert tuple(image[0, 0]) == (200, 0, 0)
    assert empty.gt_instances.points.shape == (0, 2)
    assert one.gt_map.fidt.shape == (1, 24, 32)
    assert one.gt_map.fidt[0, 10, 5] == one.gt_map.fidt.max()


@pytest.mark.parametrize(('number', 'names'), [(None, ['0000_a.png', '0001_b.png']), (1, ['0000_a.png']), (0, [])])
@pytest.mark.parametrize('split', ['train', 'val'])
def test_pictures_are_written(cfg: Config, tmp_path, split: str, number: int | None, names: list) -> None:
    written = browse_dataset(cfg, split, tmp_path / 'out', number)
    assert [path.name for path in written] == names
    for path, (image, sample) in zip(written, iterate_split(cfg, split), strict=False):
        expected = CrowdLocalVisualizer().draw_datasample(image, sample)
        np.testing.assert_array_equal(cv2.imread(str(path))[..., ::-1], expected)
        assert expected.shape[1] > 2 * expected.shape[0]


def test_windows_are_opened_if_wanted(cfg: Config, monkeypatch) -> None:
    shown = []
    monkeypatch.setattr(CrowdLocalVisualizer, 'show', lambda self, picture, win_name: shown.append(win_name))
    assert browse_dataset(cfg, show=True) == []
    assert shown == ['0000_a', '0001_b']


@pytest.mark.parametrize(
    ('split', 'message'),
    [('all', "found 'all'"), ('test', 'no test_dataloader, expected one to browse the test split')],
)
def test_splits_are_checked(cfg: Config, split: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        browse_dataset(cfg, split)


def test_a_picture_that_cannot_be_written_is_an_error(cfg: Config, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(cv2, 'imencode', lambda *args: (False, None))
    with pytest.raises(OSError, match=r'0000_a\.png: OpenCV writes no such picture'):
        browse_dataset(cfg, 'train', tmp_path)
