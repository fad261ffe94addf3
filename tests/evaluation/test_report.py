"""The report and the hook that writes it."""

import csv
import json
import os
import re
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger

from mmcrowd.engine.hooks.evaluation_hook import load_picture
from mmcrowd.evaluation import functional as F
from mmcrowd.registry import HOOKS
from mmcrowd.utils.files import csv_cell
from mmcrowd.utils.point_files import PointFileError, read_point_file
from mmcrowd.visualization.report import write_report
from mmcrowd.visualization.report_data import ImageRecord, ReportData

from .crowds import crowd
from .test_metrics import sample


def records(*sizes: int, boxes: bool = True) -> list[ImageRecord]:
    out = []
    for i, num in enumerate(sizes):
        rng = np.random.default_rng(i)
        pred, gt = crowd(rng, num)
        half = rng.uniform(2, 9, (num, 1)) if boxes else np.full((num, 1), np.nan)
        box = np.concatenate([gt - half, gt + half], 1)
        out.append(ImageRecord(i, f'{i}.jpg', (120, 130), gt, box, pred, rng.random(len(pred))))
    return out


NAMES = ['<script>alert(1)<script>.jpg', '"a" onload="b.jpg', 'new\nline.jpg', '=1+1.jpg', os.fsdecode(b'caf\xe9.jpg')]


def test_no_name_of_an_image_breaks_or_changes_the_report(tmp_path):
    images = records(*range(1, len(NAMES) + 1))
    for record, name in zip(images, NAMES, strict=True):
        record.img_path = record.img_id = name
    write_report(ReportData(images), tmp_path, lambda record: np.zeros((120, 130, 3), np.uint8))
    page = (tmp_path / 'report.html').read_text(encoding='utf-8')
    assert '<script>alert' not in page
    assert '" onload=' not in page
    assert r'caf\xe9.jpg' in page
    with open(tmp_path / 'images.csv', newline='', encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    assert [row['img_path'] for row in rows] == [csv_cell(name) for name in NAMES]
    written = json.loads((tmp_path / 'report.json').read_text(encoding='utf-8'))
    assert str(written).encode(), 'no lone surrogates'
    assert len(list((tmp_path / 'pictures').iterdir())) == len(NAMES)


def run_hook(tmp_path, samples, phase='test', **options):
    """Feed samples to the hook as a loop would; returns the folder of the report."""
    hook = HOOKS.build(dict(type='mmcrowd.CrowdEvaluationHook', **options))
    runner = SimpleNamespace(
        log_dir=str(tmp_path), experiment_name='trial', epoch=3, logger=MMLogger.get_current_instance()
    )
    getattr(hook, f'before_{phase}_epoch')(runner)
    for i, one in enumerate(samples):
        batch = dict(inputs=[torch.full((3, 120, 120), 90, dtype=torch.uint8)], data_samples=[one])
        getattr(hook, f'after_{phase}_iter')(runner, i, batch, [one])
    getattr(hook, f'after_{phase}_epoch')(runner, {})
    return tmp_path / 'evaluation' / ('test' if phase == 'test' else 'val_3')


class TestData:
    def test_rows_agree_with_the_functions(self):
        data = ReportData(records(0, 20, 60), 6.0, 0.3)
        outcome = F.localize(data.sets, 6.0)
        assert [row['tp'] for row in data.rows] == outcome.tp.tolist()
        assert [row['fn'] for row in data.rows] == outcome.fn.tolist()
        assert [row['error'] for row in data.rows] == (data.sets.pred_count - data.sets.gt_count).tolist()
        assert data.figures['f1'] == outcome.summary()['f1']
        assert data.rows[0]['f1'] is None
        for i in range(3):
            found, true = data.matches_of(i)
            assert (found.sum(), (~true).sum()) == (outcome.tp[i], outcome.fp[i])

    def test_ranking(self):
        data = ReportData(records(0, 20, 60), 6.0, rank_by='count')
        errors = [data.rows[i]['abs_error'] for i in data.ranked()]
        assert errors == sorted(errors, reverse=True)
        f1 = [1 if (v := data.rows[i]['f1']) is None else v for i in ReportData(records(0, 20, 60), 6.0).ranked()]
        assert f1 == sorted(f1)
        with pytest.raises(ValueError, match="found 'size'"):
            ReportData([], rank_by='size')

    def test_radius_from_boxes(self):
        data = ReportData(records(30), 'sigma_l')
        expected = F.localize(data.sets, F.sigma_from_boxes(data.boxes, 'l'))
        assert data.figures['tp'] == expected.tp.sum()
        assert data.radius_name == 'sigma l'


class TestHook:
    def test_writes_everything(self, tmp_path):
        samples = [sample(i) for i in range(5)]
        folder = run_hook(tmp_path, [*samples, samples[1]], num_images=2)
        rows = list(csv.DictReader((folder / 'images.csv').open()))
        assert [row['img_id'] for row in rows] == ['0', '1', '2', '3', '4']
        report = json.loads((folder / 'report.json').read_text())
        sets = F.PointSets.stack(
            [s.pred_instances.points.numpy() for s in samples], [s.gt_instances.points.numpy() for s in samples]
        )
        assert report['figures']['tp'] == F.localize(sets, 8.0).tp.sum() == sum(int(row['tp']) for row in rows)
        assert report['protocol']['radius'] == '8 px'
        plots = {'count_scatter', 'error_vs_density', 'missed_vs_head_size', 'f1_vs_radius', 'precision_recall'}
        assert {path.stem for path in (folder / 'plots').glob('*.svg')} == plots
        pictures = sorted(path.name for path in (folder / 'pictures').glob('*.jpg'))
        assert len(pictures) == 4
        assert all(cv2.imread(str(folder / 'pictures' / name)) is not None for name in pictures)
        page = (folder / 'report.html').read_text()
        assert page.count('<img ') == page.count('src="data:image/') == 5 + 4
        assert not re.search(r'(src|href)="(?!data:)', page)
        assert 'maximum matching, distance &lt;= 8 px' in page

    def test_validation_reports_at_intervals(self, tmp_path):
        assert (run_hook(tmp_path, [sample(1)], 'val', interval=1) / 'report.html').is_file()
        assert not run_hook(tmp_path / 'b', [sample(1)], 'val', interval=2).exists()
        assert not run_hook(tmp_path / 'c', [sample(1)], 'val').exists()

    def test_image_files_are_drawn(self, tmp_path):
        cv2.imwrite(str(tmp_path / 'a.png'), np.full((120, 120, 3), 200, np.uint8))
        folder = run_hook(tmp_path, [sample(2, img_path=str(tmp_path / 'a.png'))])
        assert len(list((folder / 'pictures').iterdir())) == 1

    def test_no_heads_and_no_predictions(self, tmp_path):
        empty = sample(0, 0)
        empty.pred_instances = empty.pred_instances[:0]
        assert (run_hook(tmp_path, [empty, sample(1, 1)]) / 'report.html').is_file()
        assert (run_hook(tmp_path / 'b', [empty]) / 'report.html').is_file()

    def test_region_of_interest(self, tmp_path):
        roi = np.zeros((120, 120), bool)
        roi[:, :60] = True
        one = sample(3)
        inside = [int((points.points[:, 0] < 60).sum()) for points in (one.gt_instances, one.pred_instances)]
        folder = run_hook(tmp_path, [sample(3, roi=roi)])
        row = json.loads((folder / 'report.json').read_text())['images'][0]
        assert [row['gt_count'], row['pred_count']] == inside
        assert [row['tp'] + row['fn'], row['tp'] + row['fp']] == inside

    def test_models_that_only_count(self, tmp_path):
        samples = [sample(i) for i in (1, 2)]
        for one in samples:
            del one.pred_instances
            one.pred_count = torch.tensor(20.25)
        folder = run_hook(tmp_path, samples, submission=True)
        assert {path.stem for path in (folder / 'plots').iterdir()} == {'count_scatter', 'error_vs_density'}
        assert (folder / 'nwpu_counting.txt').read_text() == '1 20.25\n2 20.25\n'
        assert not (folder / 'nwpu_localization.txt').exists()

    def test_submission_of_a_test_set_without_annotations(self, tmp_path):
        samples = [sample(i) for i in (3, 1)]
        for one in samples:
            one.pred_instances.points.clamp_(0, 119)
            del one.gt_instances
        (tmp_path / 'ids.txt').write_text('1\n3\n')
        options = dict(evaluate=False, submission=True, submission_ids=str(tmp_path / 'ids.txt'), score_thr=0.5)
        folder = run_hook(tmp_path, samples, **options)
        written = read_point_file(folder / 'nwpu_localization.txt', 'pred')
        assert list(written.images) == [1, 3]
        scores = samples[0].pred_instances.scores
        assert len(written.images[3].points) == (scores >= 0.5).sum()
        assert not (folder / 'report.html').exists()
        (tmp_path / 'ids.txt').write_text('1\n3\n4\n')
        with pytest.raises(PointFileError, match=r'1 ids missing \(first \[4\]\)'):
            run_hook(tmp_path, samples, **options)

    def test_points_outside_the_image_are_refused(self, tmp_path):
        one = sample(1)
        one.pred_instances.points[0, 0] = 120.0
        with pytest.raises(PointFileError, match='outside the image of 120 x 120 pixels'):
            run_hook(tmp_path, [one], submission=True)

    @pytest.mark.parametrize(
        ('ids', 'message'),
        [(('IMG_4', '5'), "needs integer image ids, .*'IMG_4'"), (('4', '04'), '2 images have only 1 different ids')],
    )
    def test_ids_that_a_submission_cannot_hold(self, tmp_path, ids, message):
        samples = [sample(1, img_id=i) for i in ids]
        with pytest.raises(PointFileError, match=message):
            run_hook(tmp_path, samples, evaluate=False, submission=True)

    def test_bad_options(self):
        with pytest.raises(ValueError, match="found 'sigma'"):
            HOOKS.build(dict(type='mmcrowd.CrowdEvaluationHook', radius='sigma'))
        with pytest.raises(ValueError, match='nothing to do'):
            HOOKS.build(dict(type='mmcrowd.CrowdEvaluationHook', evaluate=False))


def test_pictures_come_from_the_record_or_the_file(tmp_path):
    record = records(1)[0]
    assert load_picture(record) is None
    record.picture = cv2.imencode('.png', np.full((4, 5, 3), (0, 0, 250), np.uint8))[1].tobytes()
    assert load_picture(record)[0, 0].tolist() == [250, 0, 0]
