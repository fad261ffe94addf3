"""Boxes for point-only data."""

import numpy as np
import pytest
import torch

from mmcrowd.apis.data_tools import HeadSizer, add_pseudo_boxes, dataset_configs, nearest_head_boxes, read_samples
from mmcrowd.codecs.numerics import knn_boxes
from mmcrowd.datasets import CrowdDataset, LoadHeads
from mmcrowd.datasets.formats import native
from tests.apis.test_data_tools import own_data
from tests.models.test_head_size import model, model_config

ENTRIES = [
    dict(img_path='a.png', points=[[10, 10], [30, 40], [60.5, 20]], boxes=[None, [25, 35, 37, 47], None]),
    dict(img_path='deep/b.png', points=[[5, 5]] * 4, ignore_boxes=[[0, 0, 9, 9]], group='camera 1'),
    dict(img_path='c.png', points=[]),
]


@pytest.fixture
def samples(tmp_path) -> list[dict]:
    own_data(tmp_path, ENTRIES)
    return read_samples(dataset_configs(tmp_path)['all'])[1]


@pytest.fixture
def config(tmp_path):
    """A small head-scale network that shows images at half their size, and its weights."""
    from mmengine.config import Config

    net = model()
    torch.save(dict(state_dict=net.state_dict(), meta={}), tmp_path / 'size.pth')
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='Resize', scale_factor=0.5, keep_ratio=True),
        dict(type='mmcrowd.LoadHeads'),
        dict(type='mmcrowd.PackCrowdInputs', drop_outside=False),
    ]
    return Config(
        dict(model=model_config(), test_dataloader=dict(dataset=dict(pipeline=pipeline)), default_scope='mmdet')
    )


def test_nearest_heads(samples, tmp_path):
    made = add_pseudo_boxes(samples, nearest_head_boxes, tmp_path)
    first = made.images[0]
    expected = knn_boxes(first.points, (64, 96))
    np.testing.assert_allclose(first.boxes[[0, 2]], expected[[0, 2]])
    assert first.boxes[1].tolist() == [25, 35, 37, 47]
    assert [image.extra['pseudo_boxes'] for image in made.images] == [[0, 2], [0, 1, 2, 3], []]
    assert [image.img_path for image in made.images] == ['images/a.png', 'images/deep/b.png', 'images/c.png']
    assert made.images[0].size == (96, 64)


def test_written_file_is_a_data_set(samples, tmp_path):
    native.write(add_pseudo_boxes(samples, nearest_head_boxes, tmp_path), tmp_path / 'out' / 'boxes.json')
    data = CrowdDataset(str(tmp_path / 'out' / 'boxes.json'), data_prefix=dict(img_path=str(tmp_path)))
    assert len(data) == 3
    assert not np.isnan(data.get_data_info(0)['heads']).any()
    loaded = LoadHeads()(data.get_data_info(1))
    assert loaded['gt_ignore_flags'].tolist() == [False] * 4 + [True]
    assert loaded['gt_bboxes'].boxes.tolist() == [[4, 4, 6, 6]] * 4 + [[0, 0, 9, 9]]  # one on the other, and a region
    assert data.get_data_info(1)['group'] == 'camera 1'


def test_links_to_images(tmp_path):
    own_data(tmp_path / 'photos', ENTRIES[:1])
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine' / 'images').symlink_to(tmp_path / 'photos' / 'images')
    (tmp_path / 'mine' / 'annotations.json').symlink_to(tmp_path / 'photos' / 'annotations.json')
    samples = read_samples(dataset_configs(tmp_path / 'mine')['all'])[1]
    made = add_pseudo_boxes(samples, nearest_head_boxes, tmp_path / 'mine')
    assert made.images[0].img_path == 'images/a.png'


def test_network(samples, tmp_path, config):
    sizer = HeadSizer(config, tmp_path / 'size.pth', 'cpu')
    boxes = sizer(samples[0]['img_path'], samples[0]['heads'][:, :2])
    assert boxes.shape == (3, 4)
    np.testing.assert_allclose((boxes[:, :2] + boxes[:, 2:]) / 2, samples[0]['heads'][:, :2], atol=1e-4)
    made = add_pseudo_boxes(samples, sizer, tmp_path)
    np.testing.assert_allclose(made.images[0].boxes[[0, 2]], boxes[[0, 2]])
    assert made.images[0].boxes[1].tolist() == [25, 35, 37, 47]


def test_another_model(tmp_path, weights):
    from spots import spots_config

    with pytest.raises(ValueError, match='expected a HeadSizeEstimator, found WhiteSpots'):
        HeadSizer(spots_config(), weights, 'cpu')


def test_images_elsewhere(samples, tmp_path):
    (tmp_path / 'empty').mkdir()
    with pytest.raises(ValueError, match=r'a.png: expected an image in .*empty'):
        add_pseudo_boxes(samples, nearest_head_boxes, tmp_path / 'empty')
