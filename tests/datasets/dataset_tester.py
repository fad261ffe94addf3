"""What every loader must do; a loader's test inherits this and writes a small copy of its data set."""

import os
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.evaluator import BaseMetric

from mmcrowd.datasets import IndexedDataset
from mmcrowd.registry import DATASETS, METRICS

PIPELINE = [dict(type='LoadImageFromFile'), dict(type='mmcrowd.LoadHeads'), dict(type='mmcrowd.PackCrowdInputs')]
TEST_PIPELINE = [*PIPELINE[:2], dict(type='mmcrowd.PackCrowdInputs', drop_outside=False)]
NO_HEADS = np.zeros((0, 2))

Expected = dict[str, dict[int | str, np.ndarray]]
"""Split -> img_id, in the order of the data set -> (N, 2) points."""


class DatasetTester:
    """Contract of a loader."""

    loader: type[IndexedDataset]
    kwargs: dict = {}
    configs: tuple[str, ...] = ()
    """Base configs of the data set, without folder and suffix."""

    def write(self, root: Path) -> Expected:
        """Write the data set below ``root`` in its original format, with every trap that is known of it.

        Each split must have an image without heads, and at least three images.
        """
        raise NotImplementedError

    def load(self, root: Path, split: str, **kwargs) -> IndexedDataset:
        """The loader on the folder."""
        return self.loader(str(root), split=split, **dict(self.kwargs, pipeline=TEST_PIPELINE) | kwargs)

    def test_points(self, tmp_path):
        for split, expected in self.write(tmp_path).items():
            dataset = self.load(tmp_path, split)
            samples = [dataset.get_data_info(i) for i in range(len(dataset))]
            assert [sample['img_id'] for sample in samples] == list(expected)
            for sample, points in zip(samples, expected.values(), strict=True):
                heads = sample['heads']
                assert heads.dtype == np.float32
                assert heads.shape == (len(points), 6), sample['img_path']
                np.testing.assert_allclose(heads[:, :2], points, rtol=1e-6, err_msg=sample['img_path'])
                np.testing.assert_array_equal(sample['labels'].shape, (len(points),))
                boxes = heads[~np.isnan(heads[:, 2:]).any(axis=1), 2:]
                assert (boxes[:, 2:] > boxes[:, :2]).all()

    def test_every_image_goes_through_the_pipeline(self, tmp_path):
        for split, expected in self.write(tmp_path).items():
            dataset = self.load(tmp_path, split, test_mode=True)
            for index, points in enumerate(expected.values()):
                packed = dataset[index]
                assert packed['inputs'].shape[0] == 3
                assert len(packed['data_samples'].gt_instances.points) == len(points)

    def test_some_image_has_no_heads(self, tmp_path):
        for expected in self.write(tmp_path).values():
            assert len(expected) >= 3
            assert any(len(points) == 0 for points in expected.values())

    def test_the_index_gives_the_same_samples(self, tmp_path):
        for split in self.write(tmp_path):
            fresh = self.load(tmp_path, split, cache=False)
            self.load(tmp_path, split)
            with mock.patch.object(self.loader, 'read_samples', side_effect=AssertionError('the index was not used')):
                cached = self.load(tmp_path, split)
            assert cached.metainfo == fresh.metainfo
            assert cached.notes == fresh.notes
            assert len(cached) == len(fresh)
            for index in range(len(fresh)):
                one, other = cached.get_data_info(index), fresh.get_data_info(index)
                assert list(one) == list(other) or set(one) == set(other)
                for key, value in other.items():
                    np.testing.assert_array_equal(one[key], value, strict=isinstance(value, np.ndarray))
                    assert type(one[key]) is type(value), key

    def test_the_index_is_made_again_when_a_file_changes(self, tmp_path):
        split = next(iter(self.write(tmp_path)))
        dataset = self.load(tmp_path, split)
        files = [path for folder in dataset.index_inputs() for path in ([folder] if folder.is_file() else walk(folder))]
        changed = next(path for path in files if path.suffix not in ('.jpg', '.png'))
        os.utime(changed, ns=(1, 1))
        with (
            mock.patch.object(self.loader, 'read_samples', side_effect=AssertionError('read')),
            pytest.raises(AssertionError, match='read'),
        ):
            self.load(tmp_path, split)

    def test_hidden_files_are_no_data(self, tmp_path):
        """A zip from a Mac has a file of this name beside every other one."""
        for split, expected in self.write(tmp_path).items():
            for file in walk(tmp_path):
                file.with_name(f'._{file.name}').write_bytes(b'\0\5\x16\7')
            dataset = self.load(tmp_path, split)
            assert [dataset.get_data_info(i)['img_id'] for i in range(len(dataset))] == list(expected)

    def test_bad_folder_and_split(self, tmp_path):
        with pytest.raises(FileNotFoundError, match='nowhere'):
            self.load(tmp_path / 'nowhere', self.loader.splits[0])
        with pytest.raises(ValueError, match=r"split must be one of .* got 'no'"):
            self.load(tmp_path, 'no')

    def test_configs(self, tmp_path, repo_root):
        expected = self.write(tmp_path)
        for name in self.configs:
            config = Config.fromfile(repo_root / 'configs' / '_base_' / 'datasets' / f'{name}.py')
            encode = dict(type='mmcrowd.EncodeTargets', codec=dict(type='mmcrowd.FIDTCodec'))
            config.train_dataloader.dataset.pipeline = [*config.load, *config.augment, encode, config.pack]
            for split in ('train', 'val', 'test'):
                dataset = DATASETS.build(dict(config[f'{split}_dataloader']['dataset'], data_root=str(tmp_path)))
                assert dataset.test_mode == (split != 'train')
                perfect = []
                for index in range(len(dataset)):
                    sample = dataset[index]['data_samples']
                    assert ('gt_map' in sample) == (split == 'train')
                    if split != 'train':
                        points = expected[dataset.split][sample.img_id]
                        assert len(sample.gt_instances.points) == len(points)
                        perfect.append(dict(sample.to_dict(), pred_instances=perfect_prediction(sample)))
                if split != 'train':
                    for metric in config[f'{split}_evaluator']:
                        figures = evaluate(METRICS.build(metric), perfect)
                        found = {
                            key: value for key, value in figures.items() if key.startswith(('crowd/f1', 'crowd/ga'))
                        }
                        assert all(value == ('f1' in key) for key, value in found.items())
                        assert figures.get('crowd/mae', 0) == 0


class OwnFolder:
    """For loaders whose tester writes the content of the data set's own folder: they find it inside ``data_root``."""

    own_folder: str

    def test_own_folder_inside_data_root(self, tmp_path):
        folder = tmp_path / self.own_folder
        folder.mkdir()
        for split, expected in self.write(folder).items():
            assert len(self.load(tmp_path, split)) == len(expected)


def perfect_prediction(sample: DetDataSample) -> dict:
    """The ground truth as a model would predict it."""
    points = sample.gt_instances.points
    return dict(points=points, scores=torch.ones(len(points)))


def evaluate(metric: BaseMetric, samples: list[dict]) -> dict[str, float]:
    """Figures of a metric over samples."""
    for sample in samples:
        metric.process(dict(inputs=[None]), [sample])
    return metric.evaluate(len(samples))


def walk(folder: Path) -> list[Path]:
    """All files below a folder."""
    return sorted(path for path in folder.rglob('*') if path.is_file())
