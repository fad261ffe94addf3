"""The metrics: keys, tables, thresholds, several processes, padded shards."""

import json
import logging
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData, PixelData

from mmcrowd.evaluation import functional as F
from mmcrowd.registry import METRICS

from .crowds import crowd

ALL_METRICS = [
    dict(type='mmcrowd.CrowdCountingMetric', group_by=['scene_level', 'scene'], bootstrap=20),
    dict(type='mmcrowd.CrowdLocalizationMetric', sigma='sl', levels=True, sweep=True, error=True, best_f1='8px',
         bootstrap=20),
    dict(type='mmcrowd.RankedPointMetric', bootstrap=5),
    dict(type='mmcrowd.GAMEMetric', bootstrap=20),
]  # fmt: skip


def sample(i: int, num: int | None = None, **meta) -> DetDataSample:
    """Image i with a random crowd; image 0 has no head."""
    rng = np.random.default_rng(i)
    pred, gt = crowd(rng, 12 * i if num is None else num)
    meta = dict(img_id=i, img_path=f'{i}.jpg', ori_shape=(120, 120), scene=f's{i % 2}') | meta
    out = DetDataSample(metainfo=meta)
    pred, gt = torch.tensor(pred).float(), torch.tensor(gt).float()
    out.gt_instances = InstanceData(
        points=gt, bboxes=torch.cat([gt - 6, gt + 6], 1), labels=torch.zeros(len(gt)).long()
    )
    out.pred_instances = InstanceData(points=pred, scores=torch.tensor(rng.random(len(pred))).float())
    return out


def run(metrics, samples, size=None) -> dict[str, float]:
    evaluator = Evaluator([METRICS.build(dict(m)) for m in metrics])
    for one in samples:
        evaluator.process([one], dict(inputs=[torch.full((3, 4, 4), 128, dtype=torch.uint8)]))
    return evaluator.evaluate(len({s.img_id for s in samples}) if size is None else size)


def same(a: dict, b: dict) -> None:
    assert a.keys() == b.keys()
    for key, value in a.items():
        assert value == pytest.approx(b[key], nan_ok=True), key


def test_figures_equal_the_functions():
    samples = [sample(i) for i in range(4)]
    found = run(ALL_METRICS, samples)
    sets = F.PointSets.stack(
        [s.pred_instances.points.numpy() for s in samples], [s.gt_instances.points.numpy() for s in samples]
    )
    for radius in (4, 8):
        summary = F.localize(sets, float(radius)).summary()
        for key in ('f1', 'precision', 'recall'):
            assert found[f'crowd/{key}_{radius}px'] == summary[key]
    assert found['crowd/f1_sigma_s'] == F.localize(sets, 6.0).summary()['f1']
    errors = F.counting_errors(sets.pred_count, sets.gt_count)
    assert [found[f'crowd/{key}'] for key in ('mae', 'rmse', 'nae')] == [errors[k] for k in ('mae', 'rmse', 'nae')]
    assert found['crowd/mae_S0'] == sets.pred_count[0]
    assert found['crowd/mae_scene_avg'] == pytest.approx((found['crowd/mae_s0'] + found['crowd/mae_s1']) / 2)
    assert found['crowd/game0'] == errors['mae'] <= found['crowd/game3']
    assert found['crowd/mae_ci_low'] <= found['crowd/mae'] <= found['crowd/mae_ci_high']
    for name in ('mae_scene_avg', *(key[6:] for key in found if key.startswith('crowd/mae_S') and '_ci_' not in key)):
        assert found[f'crowd/{name}_ci_low'] <= found[f'crowd/{name}'] <= found[f'crowd/{name}_ci_high'], name
    assert found['crowd/f1_8px_ci_low'] <= found['crowd/f1_8px'] <= found['crowd/f1_8px_ci_high']
    for name in ('mle', 'best_f1_8px', 'best_thr_8px', 'recall_avg_sigma_l', 'recall_A2_sigma_s', 'ap50_s20', 'mar_s5'):
        assert found[f'crowd/{name}_ci_low'] <= found[f'crowd/{name}'] <= found[f'crowd/{name}_ci_high'], name
    assert found['crowd/best_f1_8px'] >= found['crowd/f1_8px']
    assert found['crowd/recall_A2_sigma_l'] == pytest.approx(found['crowd/recall_sigma_l'])
    assert found['crowd/mle'] == pytest.approx(F.mean_localization_error(sets))
    assert all(isinstance(value, float) for value in found.values())


def test_order_and_repeated_samples_do_not_matter(caplog):
    samples = [sample(i) for i in range(4)]
    expected = run(ALL_METRICS, samples)
    same(run(ALL_METRICS, [*samples[::-1], samples[2], samples[0]]), expected)


def test_missing_images_are_announced(mmengine_log):
    run(ALL_METRICS[:1], [sample(1)], size=3)
    assert 'the dataset has 3 images, 1 distinct ones were evaluated' in mmengine_log.text


def test_the_table_names_protocol_radius_matching_threshold_and_images(mmengine_log):
    run([dict(type='mmcrowd.CrowdLocalizationMetric', radii=[3], score_thr=0.25, matching='greedy')], [sample(1)])
    assert 'localization | distance <= radius | greedy matching | score >= 0.25 | 1 images' in mmengine_log.text
    assert '| 3px ' in mmengine_log.text


@pytest.mark.parametrize('num', [0, 1])
def test_empty_and_single_heads(num):
    found = run(ALL_METRICS, [sample(0, num), sample(1, num), sample(2, num)])
    assert 0 <= found['crowd/f1_8px'] <= 1


def test_no_heads_anywhere_gives_finite_f1_and_undefined_nae():
    samples = [sample(0, 0)]
    samples[0].pred_instances = samples[0].pred_instances[:0]
    found = run(ALL_METRICS, samples)
    assert (found['crowd/f1_8px'], found['crowd/mae']) == (0, 0)
    assert math.isnan(found['crowd/nae'])


def test_a_threshold_found_in_validation_is_used_in_the_test(tmp_path, mmengine_log):
    path = str(tmp_path / 'thr.json')
    validation = dict(type='mmcrowd.CrowdLocalizationMetric', best_f1='8px', save_thr=path)
    found = run([validation], [sample(i) for i in range(4)])
    assert json.loads(Path(path).read_text())['threshold'] == found['crowd/best_thr_8px']
    used = run([dict(type='mmcrowd.CrowdLocalizationMetric', score_thr=path)], [sample(i) for i in range(4)])
    assert used['crowd/f1_8px'] == pytest.approx(found['crowd/best_f1_8px'])
    assert f'(best F1 at 8px of 4 images, read from {path})' in mmengine_log.text

    counting = dict(type='mmcrowd.CrowdCountingMetric', save_thr=path)
    found = run([counting], [sample(i) for i in range(4)])
    stored = json.loads(Path(path).read_text())
    assert (found['crowd/best_mae'], found['crowd/best_thr']) == (stored['mae'], stored['threshold'])
    used = run([dict(type='mmcrowd.CrowdCountingMetric', score_thr=path)], [sample(i) for i in range(4)])
    assert used['crowd/mae'] == pytest.approx(stored['mae'])
    assert stored['criterion'] == 'counting MAE'


def test_best_counting_error_without_predictions_or_with_counts():
    metric = dict(type='mmcrowd.CrowdCountingMetric', best_mae=True)
    samples = [sample(i) for i in range(3)]
    for s in samples:
        s.pred_instances = s.pred_instances[:0]
    found = run([metric], samples)
    assert found['crowd/best_mae'] == found['crowd/mae'] == np.mean([len(s.gt_instances) for s in samples])
    for s in samples:
        s.pred_count = torch.tensor(1.0)
    with pytest.raises(ValueError, match='gives no points: it counts only'):
        run([metric], samples)


def test_the_best_threshold_may_find_no_head_at_all(tmp_path):
    path = str(tmp_path / 'thr.json')
    samples = [sample(i, 0) for i in range(3)]
    for s in samples:
        s.pred_instances = InstanceData(points=torch.zeros(2, 2), scores=torch.tensor([0.7, 0.9]))
    found = run([dict(type='mmcrowd.CrowdCountingMetric', save_thr=path)], samples)
    assert (found['crowd/mae'], found['crowd/best_mae']) == (2, 0)
    used = run([dict(type='mmcrowd.CrowdCountingMetric', score_thr=path)], samples)
    assert used['crowd/mae'] == 0
    # A tie goes to the threshold that finds some.
    samples = [sample(0, 1)]
    samples[0].pred_instances = InstanceData(points=torch.zeros(2, 2), scores=torch.tensor([0.7, 0.7]))
    run([dict(type='mmcrowd.CrowdCountingMetric', save_thr=path)], samples)
    assert json.loads(Path(path).read_text())['threshold'] == pytest.approx(0.7)


def test_every_process_reads_a_threshold_that_was_written_anew(tmp_path, monkeypatch):
    metric = METRICS.build(dict(type='mmcrowd.GAMEMetric', score_thr=str(tmp_path / 'thr.json')))
    monkeypatch.setattr('mmcrowd.evaluation.metrics.base.is_main_process', lambda: False)
    for threshold in (0.5, 0.9):
        (tmp_path / 'thr.json').write_text(json.dumps(dict(threshold=threshold, criterion='F1', num_images=1)))
        metric.process({}, [sample(2).to_dict()])
        assert metric.score_thr.value == threshold
        metric.evaluate(1)


def test_a_missing_threshold_file_is_named(tmp_path):
    metric = dict(type='mmcrowd.CrowdLocalizationMetric', score_thr=str(tmp_path / 'no.json'))
    with pytest.raises(FileNotFoundError, match=r'no file .*no.json; write it by a validation with save_thr'):
        run([metric], [sample(1)])
    (tmp_path / 'no.json').write_text('{}')
    with pytest.raises(ValueError, match='was not written by save_thr'):
        run([metric], [sample(1)])


def test_models_that_only_count():
    counted = sample(3)
    del counted.pred_instances
    counted.pred_count = torch.tensor(30.5)
    found = run([dict(type='mmcrowd.CrowdCountingMetric', score_thr=0.9)], [counted])
    assert found['crowd/mae'] == 5.5
    with pytest.raises(KeyError, match=r'3.jpg: the model gave a count without points'):
        run([dict(type='mmcrowd.CrowdLocalizationMetric')], [counted])
    counted.pred_map = PixelData(density=torch.full((1, 60, 60), 36 / 3600))
    assert run([dict(type='mmcrowd.GAMEMetric')], [counted])['crowd/game0'] == pytest.approx(0, abs=1e-4)


def test_detectors_give_box_centres():
    detected = sample(2)
    points = detected.pred_instances.points
    expected = run([dict(type='mmcrowd.CrowdLocalizationMetric')], [detected])
    detected.pred_instances = InstanceData(
        bboxes=torch.cat([points - 4, points + 4], 1), scores=torch.ones(len(points)), labels=torch.zeros(len(points))
    )
    same(run([dict(type='mmcrowd.CrowdLocalizationMetric')], [detected]), expected)


def test_region_of_interest():
    roi = np.zeros((120, 120), bool)
    roi[:, :60] = True
    one = sample(3, roi=roi)
    gt, pred = one.gt_instances.points.numpy(), one.pred_instances.points.numpy()
    found = run([dict(type='mmcrowd.CrowdCountingMetric'), dict(type='mmcrowd.GAMEMetric')], [one])
    assert found['crowd/mae'] == found['crowd/game0'] == abs((gt[:, 0] < 60).sum() - (pred[:, 0] < 60).sum())

    part = sample(3)
    part.gt_instances = part.gt_instances[torch.tensor(gt[:, 0] < 60)]
    part.pred_instances = part.pred_instances[torch.tensor(pred[:, 0] < 60)]
    others = [
        dict(type='mmcrowd.CrowdLocalizationMetric', sigma='l', levels=True),
        dict(type='mmcrowd.RankedPointMetric'),
    ]
    same(run(others, [one]), run(others, [part]))
    assert run(others, [one]) != run(others, [sample(3)])


def test_groups_of_images():
    samples = [sample(1, weather=0), sample(2, weather=2), sample(5, weather='none')]
    groups = ['weather', 'luminance', 'jhu_category']
    found = run([dict(type='mmcrowd.CrowdCountingMetric', group_by=groups)], samples)
    assert {'crowd/mae_clear', 'crowd/mae_weather', 'crowd/mae_L2', 'crowd/mae_low', 'crowd/mae_medium'} <= set(found)
    with pytest.raises(KeyError, match="group_by 'camera' is no key"):
        run([dict(type='mmcrowd.CrowdCountingMetric', group_by=['camera'])], samples)


def test_results_in_a_file(tmp_path):
    found = run([dict(type='mmcrowd.CrowdCountingMetric', out=str(tmp_path / 'a' / 'counts.json'))], [sample(0, 0)])
    stored = json.loads((tmp_path / 'a' / 'counts.json').read_text())
    assert stored['figures']['mae'] == found['crowd/mae']
    assert stored['figures']['nae'] is None
    assert stored['protocol']['num_images'] == 1


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(sigma='x'), "found 'x'"),
        (dict(matching='hungarian'), "found 'hungarian'"),
        (dict(levels=True), 'levels need a sigma'),
        (dict(radii=[]), 'at least one radius'),
        (dict(best_f1='9px'), r"one of \['4px', '8px'\], found '9px'"),
        (dict(save_thr='a.json'), 'best_f1'),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        METRICS.build(dict(type='mmcrowd.CrowdLocalizationMetric', **options))


def test_sigma_needs_boxes():
    one = sample(2)
    one.gt_instances.bboxes[3] = float('nan')
    with pytest.raises(ValueError, match=r'2.jpg: sigma needs a box for every head, 1 of 24 have none'):
        run([dict(type='mmcrowd.CrowdLocalizationMetric', sigma='l')], [one])


@pytest.fixture
def mmengine_log(caplog):
    """What the metrics log."""
    from mmengine.logging import MMLogger

    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    caplog.set_level(logging.INFO)
    yield caplog
    logger.removeHandler(caplog.handler)


WORKER = """
import json, sys
from pathlib import Path
import torch.distributed as dist
rank, out = int(sys.argv[1]), sys.argv[2]
# Before the group: what is imported after it may keep it in a default argument, and its threads beyond the end.
from evaluation.test_metrics import ALL_METRICS, run, sample
dist.init_process_group('gloo', init_method=f'file://{out}/store', rank=rank, world_size=2)
shards = ([0, 2, 4, 1], [1, 3, 0])  # uneven, images 0 and 1 in both
found = run(ALL_METRICS, [sample(i) for i in shards[rank]], size=5)
open(f'{out}/{rank}.json', 'w').write(json.dumps(found))
dist.barrier()  # neither leaves while the other still reads from it
dist.destroy_process_group()
assert 'gloo' not in ''.join(path.read_text() for path in Path('/proc/self/task').glob('*/comm'))
"""


def test_two_processes_give_the_figures_of_one(tmp_path, repo_root):
    path = os.pathsep.join([str(repo_root), str(repo_root / 'tests')])
    env = {**os.environ, 'PYTHONPATH': path, 'OMP_NUM_THREADS': '1'}
    command = [sys.executable, '-c', WORKER]
    workers = [
        subprocess.Popen([*command, str(rank), str(tmp_path)], cwd=tmp_path, env=env, stderr=subprocess.PIPE)
        for rank in (0, 1)
    ]
    for worker in workers:
        errors = worker.communicate(timeout=300)[1]
        assert worker.returncode == 0, errors.decode()[-3000:]
    expected = run(ALL_METRICS, [sample(i) for i in range(5)])
    for rank in (0, 1):
        same(json.loads((tmp_path / f'{rank}.json').read_text()), expected)
