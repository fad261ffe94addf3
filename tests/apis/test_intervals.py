"""Intervals of counts: fitted, written beside weights, and in results."""

import csv
import json
import runpy
import sys

import cv2
import numpy as np
import pytest
from spots import spots_config, spots_image

from mmcrowd.apis import CrowdInferencer, CrowdResult, fit_intervals, predict_folder
from mmcrowd.apis.interval_fit import fit_model_intervals
from mmcrowd.apis.intervals import intervals_file, read_intervals
from mmcrowd.utils.weights import file_sha256

SHA = 'ab' * 32


def fitted(images: int = 30, seed: int = 0, **options):
    gt = np.random.default_rng(seed).integers(50, 900, images)
    pred = gt + np.random.default_rng(seed + 1).normal(0, 0.2, images) * gt
    return fit_intervals(np.maximum(pred, 0), gt, 'streets', SHA, **options)


def test_new_images_are_covered_as_asked():
    rng = np.random.default_rng(5)
    gt = rng.integers(0, 2000, 8000)
    pred = np.maximum(gt + rng.normal(0, 0.25, len(gt)) * gt, 0)
    half = len(gt) // 2
    found = fit_intervals(pred[:half], gt[:half], 'streets', SHA)
    assert not any(found.pooled)
    ends = np.array([found.of(count) for count in pred[half:]])
    inside = (ends[:, 0] <= gt[half:]) & (gt[half:] <= ends[:, 1])
    place = np.searchsorted(found.edges, pred[half:], side='right')
    assert inside.mean() == pytest.approx(0.9, abs=0.02)
    for number in range(len(found.quantiles)):
        assert 0.8 <= inside[place == number].mean() <= 1


def test_ends_are_whole_and_hold_the_count():
    found = fitted()
    for count in (0, 0.4, 12.34, 99.99, 100, 20000):
        low, high = found.of(count)
        assert 0 <= low <= count <= high
        assert isinstance(low, int)
        assert isinstance(high, int)


@pytest.mark.parametrize('count', [-0.4, -12.0, -1e6])
def test_the_sum_of_a_density_may_be_below_0(count):
    low, high = fitted().of(count)
    assert low == 0 <= high <= fitted().of(0)[1]


def test_perfect_counts_and_no_heads():
    found = fit_intervals(np.zeros(9), np.zeros(9), 'empty places', SHA)
    assert found.of(0) == (0, 0)
    assert found.of(7.5) == (7, 8)
    assert all(found.pooled)


@pytest.mark.parametrize('images', [0, 1, 8])
def test_too_few_images_are_refused(images):
    with pytest.raises(ValueError, match=f'streets: {images} images are too few for a level of 0.9, expected 9 or'):
        fitted(images)


@pytest.mark.parametrize(('pred', 'gt'), [([1, -1], [1, 1]), ([np.nan], [1]), ([1, 2], [1])])
def test_counts_that_are_none(pred, gt):
    with pytest.raises(ValueError, match='expected two finite counts per image'):
        fit_intervals(np.array(pred), np.array(gt), 'streets', SHA)


def test_round_trip(tmp_path):
    found = fitted(level=0.8)
    assert read_intervals(found.save(tmp_path / 'a.intervals.json'), SHA) == found


def test_intervals_of_other_weights(tmp_path):
    path = fitted().save(tmp_path / 'a.intervals.json')
    with pytest.raises(
        ValueError, match=r'a\.intervals\.json: fitted for other weights \(SHA-256 abab.*these have cdcd'
    ):
        read_intervals(path, 'cd' * 32)


@pytest.mark.parametrize(
    'change', [dict(quantiles=[1]), dict(level=None), dict(more=1), dict(edges='x'), dict(offset=-1)]
)
def test_files_that_are_none(tmp_path, change):
    path = fitted().save(tmp_path / 'a.intervals.json')
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=r'a\.intervals\.json: expected intervals as "mmcrowd fit-intervals" writes'):
        read_intervals(path, SHA)


@pytest.mark.parametrize('text', ['', '[]', '{}', '{"score": 1}'])
def test_files_of_something_else(tmp_path, text):
    (tmp_path / 'a.json').write_text(text)
    with pytest.raises(ValueError, match='expected intervals'):
        read_intervals(tmp_path / 'a.json', SHA)


@pytest.fixture
def config(tmp_path):
    """Validation images of 0 to 9 heads, of which the model finds half."""
    samples = []
    for number in range(10):
        points = [(5 * i + 3, 8) for i in range(number)]
        cv2.imwrite(str(tmp_path / f'{number}.png'), spots_image(points[::2]))
        samples.append(dict(img_path=str(tmp_path / f'{number}.png'), points=points))
    (tmp_path / 'val.json').write_text(json.dumps(dict(metainfo={}, data_list=samples)))
    cfg = spots_config()
    cfg.val_dataloader = dict(dataset=dict(type='mmcrowd.CrowdDataset', ann_file=str(tmp_path / 'val.json')))
    return cfg


def test_from_fit_to_table(config, weights, tmp_path, repo_root, monkeypatch, capsys):
    config.dump(tmp_path / 'config.py')
    monkeypatch.setattr(sys, 'argv', ['x', str(tmp_path / 'config.py'), weights, '--device', 'cpu'])
    with pytest.raises(SystemExit) as exit_info:
        runpy.run_path(str(repo_root / 'tools/analysis_tools/fit_intervals.py'), run_name='__main__')
    assert exit_info.value.code == 0
    assert 'like those they were fitted on (10 of CrowdDataset' in capsys.readouterr().out
    found = read_intervals(intervals_file(weights), file_sha256(weights))
    assert found.images == (10, 0, 0, 0, 0)
    crowd = CrowdInferencer(config, weights, device='cpu')
    result = crowd(str(tmp_path / '9.png'))
    assert result.count == 5
    assert result.interval == found.of(5)
    assert result.interval[0] <= 5 < 9 <= result.interval[1]
    assert CrowdResult.from_dict(json.loads(result.to_json())).interval == result.interval
    predict_folder(crowd, tmp_path / '9.png', tmp_path / 'out', pictures=False)
    predict_folder(crowd, tmp_path / '*.png', tmp_path / 'out', pictures=False, resume=True)
    with (tmp_path / 'out' / 'counts.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    assert [(row['low'], row['high']) for row in rows[:1]] == [tuple(map(str, result.interval))]
    assert all(row['high'] for row in rows)
    assert CrowdInferencer(config, weights, device='cpu', score_thr=0.5)(str(tmp_path / '9.png')).interval is None


def test_weights_with_the_intervals_of_others(config, weights):
    fitted().save(intervals_file(weights))
    with pytest.raises(ValueError, match='fitted for other weights'):
        CrowdInferencer(config, weights, device='cpu')
    assert fit_model_intervals(config, weights, device='cpu').sha256 == file_sha256(weights)  # fitted anew all the same


def test_images_of_which_a_part_is_annotated(config, weights, tmp_path):
    data = json.loads((tmp_path / 'val.json').read_text())
    data['data_list'][3]['ignore_boxes'] = [[0, 0, 10, 10]]
    (tmp_path / 'val.json').write_text(json.dumps(data))
    with pytest.raises(ValueError, match=r'3\.png: has ignore_boxes, expected images in which all heads are annotated'):
        fit_model_intervals(config, weights, device='cpu')


def test_a_config_without_validation(weights):
    with pytest.raises(ValueError, match='no val_dataloader, expected one'):
        fit_model_intervals(spots_config(), weights, device='cpu')
