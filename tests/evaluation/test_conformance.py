"""Published predictions give the published figures, to the last integer; wrong semantics do not.

Needs ``MMCROWD_EVAL``, the folder of the published prediction files and of ``expected.json``. The synthetic data set
below makes the same comparison with a literal dense evaluator, always.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from mmcrowd.evaluation import evaluate_point_files
from mmcrowd.evaluation.functional import PointSets, greedy_matching, localize, match_pairs
from mmcrowd.evaluation.functional.candidates import Pairs
from mmcrowd.utils.point_files import read_point_file
from mmcrowd.utils.submission_files import write_point_text

from .crowds import crowd
from .reference import admissible, greedy_in_file_order, kuhn, nearest_assignment_size

MUTANTS = {
    ('NWPU-val', 'FIDT', 'sigma_l'): dict(tp=149001, strict=148579, greedy=148188, in_order=146370, reach=156437),
    ('NWPU-val', 'FIDT', 'sigma_s'): dict(tp=139193, strict=138014, greedy=138932, in_order=138559, reach=142804),
    ('NWPU-val', 'RAZ_loc', 'sigma_l'): dict(tp=111668, strict=111291, greedy=111238, in_order=110295, reach=123324),
    ('NWPU-val', 'RAZ_loc', 'sigma_s'): dict(tp=97432, strict=96514, greedy=97344, in_order=97187, reach=101619),
    ('SHA', 'FIDT', 'sigma_s'): dict(
        tp=46001, strict=44755, greedy=45929, in_order=45910, reach=47875, assignment=38553
    ),
    ('SHA', 'FIDT', 'sigma_l'): dict(
        tp=60819, strict=60680, greedy=60152, in_order=59633, reach=66315, assignment=51865
    ),
}


def mutant_size(name: str, sets: PointSets, radii: np.ndarray) -> int:
    """True positives under wrong semantics."""
    pairs = sets.pairs(radii)
    if name == 'strict':
        keep = pairs.dist2 < radii[pairs.gt] ** 2
        pairs = Pairs(*(column[keep] for column in pairs))
        return int((match_pairs(pairs, len(sets.pred), len(sets.gt)) >= 0).sum())
    if name == 'greedy':
        return int((greedy_matching(pairs, len(sets.pred), len(sets.gt)) >= 0).sum())
    if name == 'in_order':
        return greedy_in_file_order(pairs, len(sets.gt))
    if name == 'reach':
        return len(np.unique(pairs.gt))
    assert name == 'assignment'
    total = 0
    for i in range(sets.num_images):
        pred, gt = sets.pred[sets.pred_image == i], sets.gt[sets.gt_image == i]
        total += nearest_assignment_size(pred, gt, radii[0])
    return total


def expected_results(folder: Path) -> list[dict]:
    return json.loads((folder / 'expected.json').read_text())['results']


def check_localization(found: dict, expected: dict) -> None:
    for key, value in expected.items():
        if key != 'sigma':
            exact = key in ('tp', 'fp', 'fn', 'level_tp', 'level_fn')
            assert found[key] == (value if exact else pytest.approx(value, rel=0, abs=1e-12)), key


def check_counting(found: dict, expected: dict) -> None:
    names = dict(mse_as_printed_is_rmse='rmse', scene_mae_avg_own='scene_mae_avg', n_images='num_images')
    for key, value in expected.items():
        if key != 'scene_levels_own':
            assert found[names.get(key, key)] == pytest.approx(value, rel=0, abs=1e-12), key
    for level, figures in expected['scene_levels_own'].items():
        for key, value in figures.items():
            got = found['scene_levels'][level][names.get(key, key)]
            assert np.isnan(got) if value is None else got == pytest.approx(value, rel=0, abs=1e-12), (level, key)


@pytest.mark.parametrize('index', range(4))
def test_published_predictions_give_the_published_figures(eval_root, index):
    expected = expected_results(eval_root)[index]
    protocol = 'nwpu' if expected['dataset'] == 'NWPU-val' else 'fixed'
    found = evaluate_point_files(eval_root / expected['gt_file'], eval_root / expected['pred_file'], protocol, (4, 8))
    assert found['num_images'] == expected['n_images']
    assert not found['forgiven']
    names = ('sigma_s', 'sigma_l') if protocol == 'nwpu' else ('4px', '8px')
    for name, key in zip(names, ('sigma_s', 'sigma_l'), strict=True):
        check_localization(found[name], expected[key])
    check_counting(found['counting'], expected['counting'])


def test_every_single_image_agrees(eval_root):
    per_image = json.loads((eval_root / 'expected_per_image.json').read_text())
    files = {(r['dataset'], r['method']): r for r in expected_results(eval_root)}
    for name, expected in per_image.items():
        dataset, method, sigma = name.split('|')
        gt = read_point_file(eval_root / files[dataset, method]['gt_file'], 'gt')
        pred = read_point_file(eval_root / files[dataset, method]['pred_file'], 'pred')
        ids = expected['ids']
        sets = PointSets.stack([pred.images[i].points for i in ids], [gt.images[i].points for i in ids])
        outcome = localize(sets, gt.stacked(ids, sigma))
        for key in ('tp', 'fp', 'fn'):
            if key in expected:
                assert getattr(outcome, key).tolist() == expected[key], (name, key)


@pytest.mark.parametrize(('dataset', 'method', 'sigma'), list(MUTANTS))
def test_wrong_semantics_give_their_known_wrong_figures(eval_root, dataset, method, sigma):
    files = next(r for r in expected_results(eval_root) if (r['dataset'], r['method']) == (dataset, method))
    gt = read_point_file(eval_root / files['gt_file'], 'gt')
    pred = read_point_file(eval_root / files['pred_file'], 'pred')
    ids = list(gt.images)
    sets = PointSets.stack([pred.images[i].points for i in ids], [gt.images[i].points for i in ids])
    radii = gt.stacked(ids, sigma)
    values = dict(MUTANTS[dataset, method, sigma])
    right = values.pop('tp')
    assert files[sigma]['tp'] == right
    for name, wrong in values.items():
        assert mutant_size(name, sets, radii) == wrong != right, name
        with pytest.raises(AssertionError):
            check_localization(dict(localize(sets, radii).summary(), tp=wrong), dict(tp=right))


@pytest.fixture
def nwpu_like(tmp_path) -> tuple[Path, Path]:
    """Ground truth and predictions in the official text format: CRLF, trailing blanks, empty images on either side."""
    rng = np.random.default_rng(11)
    lines, preds = [], {}
    for i, num in enumerate((0, 0, 1, 25, 60, 90), 3110):
        pred, gt = crowd(rng, num, 80.0)
        wh = rng.integers(2, 16, (num, 2))
        sigma_s, sigma_l = np.floor(wh.min(1) / 2 + 0.5), np.floor(np.hypot(*wh.T) / 2 + 0.5)
        level = np.searchsorted([10, 100, 1000], wh.prod(1), side='left')
        rows = np.column_stack([gt, sigma_s, sigma_l, level]).astype(int).ravel()
        lines.append(' '.join(map(str, [i, num, *rows])) + ' \r\n')
        preds[i] = np.zeros((0, 2)) if i == 3112 else rng.uniform(0, 80, (4, 2)) if i == 3111 else pred
    (tmp_path / 'gt.txt').write_text(''.join(lines))
    write_point_text(tmp_path / 'pred.txt', preds)
    return tmp_path / 'gt.txt', tmp_path / 'pred.txt'


def literal_figures(gt_path: Path, pred_path: Path, column: int) -> dict:
    """The official evaluation, written down literally: dense matrices and recursion, image by image."""
    tp = fp = fn = 0
    level_tp, level_fn = np.zeros(6, int), np.zeros(6, int)
    preds = {line.split()[0]: line.split()[2:] for line in pred_path.read_text().splitlines()}
    for line in gt_path.read_text().splitlines():
        i, _, *rest = line.split()
        gt = np.array(rest, int).reshape(-1, 5)
        pred = np.array(preds[i], int).reshape(-1, 2)
        match = kuhn(admissible(pred, gt[:, :2], gt[:, column]))
        found = np.isin(np.arange(len(gt)), match[match >= 0])
        tp, fp, fn = tp + found.sum(), fp + (match < 0).sum(), fn + (~found).sum()
        level_tp += np.bincount(gt[found, 4], minlength=6)
        level_fn += np.bincount(gt[~found, 4], minlength=6)
    precision, recall = tp / (tp + fp + 1e-20), tp / (tp + fn + 1e-20)
    f1 = 2 * precision * recall / (precision + recall)
    figures = dict(tp=tp, fp=fp, fn=fn, precision=precision, recall=recall, f1=f1)
    level_recall = (level_tp / (level_tp + level_fn + 1e-20)).tolist()
    return dict(figures, level_tp=level_tp.tolist(), level_fn=level_fn.tolist(), level_recall=level_recall)


@pytest.mark.parametrize(('sigma', 'column'), [('sigma_s', 2), ('sigma_l', 3)])
def test_synthetic_files_agree_with_the_literal_evaluation(nwpu_like, sigma, column):
    found = evaluate_point_files(*nwpu_like, 'nwpu')
    check_localization(found[sigma], literal_figures(*nwpu_like, column))
    assert found['num_images'] == 6


def test_every_mutant_is_noticed_on_synthetic_files(nwpu_like):
    gt, pred = (read_point_file(path, kind) for path, kind in zip(nwpu_like, ('gt', 'pred'), strict=True))
    ids = list(gt.images)
    sets = PointSets.stack([pred.images[i].points for i in ids], [gt.images[i].points for i in ids])
    radii = gt.stacked(ids, 'sigma_l')
    right = literal_figures(*nwpu_like, 3)['tp']
    for name in ('strict', 'greedy', 'in_order', 'reach'):
        assert mutant_size(name, sets, radii) != right, name
