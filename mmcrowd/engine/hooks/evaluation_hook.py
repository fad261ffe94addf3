"""A report after validation or test: tables, plots, pictures, an HTML page, submission files."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from mmdet.structures import DetDataSample
from mmengine.dist import collect_results, get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from mmcrowd.evaluation.metrics.base import (
    ScoreThreshold,
    annotated_points,
    inside,
    predicted_count,
    predicted_density,
    predicted_heads,
    predicted_points,
    region_of_interest,
    to_numpy,
)
from mmcrowd.registry import HOOKS
from mmcrowd.utils.pictures import read_image
from mmcrowd.utils.point_files import PointFileError
from mmcrowd.utils.submission_files import read_ids, write_counting_submission, write_localization_submission
from mmcrowd.visualization.report import write_report
from mmcrowd.visualization.report_data import ImageRecord, ReportData

from .visualization_hook import original_image


@HOOKS.register_module()
class CrowdEvaluationHook(Hook):
    """Write an evaluation report from the predictions that validation or test makes anyway.

    The folder gets ``images.csv`` and ``report.json`` (one row per image), ``plots/*.svg``, ``pictures/*.jpg`` of the
    worst and best images with true, false and missed heads, ``report.html`` with all of it, and, if asked for, the
    submission files of NWPU-Crowd. Works under several processes; repeated padding samples count once. If a data sample
    has a region of interest ``roi``, points and heads outside it take no part in the report.

    Args:
        out_dir: Folder, inside the run's log folder unless absolute; reports go to ``val_<epoch>`` and ``test`` in it.
        radius: Matching radius in original pixels, or ``sigma_s`` / ``sigma_l`` for radii from the boxes.
        score_thr: Lowest score of a point that is evaluated, or the file that ``save_thr`` of a metric wrote.
        num_images: How many of the worst and of the best images to draw.
        rank_by: ``f1``, ``errors`` (false and missed points) or ``count`` (absolute counting error).
        interval: Report every so many validations, 0 for tests only.
        submission: Also write ``nwpu_localization.txt`` and ``nwpu_counting.txt``, validated, after tests.
        submission_ids: Text file with the ids a submission must hold, one per line; None takes those evaluated.
        evaluate: False for test sets without annotations: submission files only.
    """

    priority = 'LOW'

    def __init__(
        self,
        out_dir: str = 'evaluation',
        radius: float | str = 8,
        score_thr: float | str = 0.0,
        num_images: int = 8,
        rank_by: str = 'f1',
        interval: int = 0,
        submission: bool = False,
        submission_ids: str | None = None,
        evaluate: bool = True,
    ) -> None:
        if isinstance(radius, str) and radius not in ('sigma_s', 'sigma_l'):
            raise ValueError(f"radius: expected a number, 'sigma_s' or 'sigma_l', found {radius!r}")
        if not (evaluate or submission):
            raise ValueError('nothing to do: neither evaluate nor submission')
        self.out_dir, self.radius, self.score_thr = out_dir, radius, ScoreThreshold(score_thr)
        self.num_images, self.rank_by, self.interval = num_images, rank_by, interval
        self.submission, self.submission_ids, self.evaluate = submission, submission_ids, evaluate
        self._records: list[ImageRecord] = []
        self._validations = 0

    def before_val_epoch(self, runner: Runner) -> None:
        """Start anew."""
        self._records.clear()
        self._validations += 1

    def before_test_epoch(self, runner: Runner) -> None:
        """Start anew."""
        self._records.clear()

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: Sequence[DetDataSample]
    ) -> None:
        """Keep the points of the batch."""
        if self._wants_validation():
            self._keep(data_batch, outputs)

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: Sequence[DetDataSample]
    ) -> None:
        """Keep the points of the batch."""
        self._keep(data_batch, outputs)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Write the report."""
        if self._wants_validation():
            self._write(runner, f'val_{runner.epoch}', submission=False)

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Write the report and the submission."""
        self._write(runner, 'test', self.submission)

    def _wants_validation(self) -> bool:
        return self.evaluate and self.interval > 0 and self._validations % self.interval == 0

    def _keep(self, data_batch: dict, outputs: Sequence[DetDataSample]) -> None:
        for inputs, output in zip(data_batch['inputs'], outputs, strict=True):
            self._records.append(self._record(inputs, output))

    def _record(self, inputs: Tensor, output: DetDataSample) -> ImageRecord:
        sample = output.to_dict()
        count, density = predicted_count(sample), None
        if predicted_heads(sample) is None and count is not None:
            pred, scores, density = None, None, predicted_density(sample)
        else:
            pred, scores = predicted_points(sample)
        gt, boxes = np.zeros((0, 2)), np.zeros((0, 4))
        if self.evaluate:
            gt = annotated_points(sample)
            given = sample['gt_instances'].get('bboxes')
            boxes = (
                np.full((len(gt), 4), np.nan) if given is None else to_numpy(given).astype(np.float64).reshape(-1, 4)
            )
            roi = region_of_interest(sample)
            heads = inside(gt, roi)
            gt, boxes = gt[heads], boxes[heads]
            if pred is not None:
                kept = inside(pred, roi)
                pred, scores = pred[kept], scores[kept]
        path = str(sample.get('img_path', sample['img_id']))
        picture = None
        if self.evaluate and not Path(path).is_file():
            picture = cv2.imencode('.jpg', original_image(inputs, output)[..., ::-1])[1].tobytes()
        size = tuple(int(n) for n in sample['ori_shape'][:2])
        return ImageRecord(
            sample['img_id'],
            path,
            size,
            gt,
            boxes,
            pred,
            scores,
            count,
            picture,
            density=None if density is None else density[0],
        )

    def _write(self, runner: Runner, name: str, submission: bool) -> None:
        shards = collect_results([self._records], get_world_size(), 'cpu')
        self._records = []
        if not is_main_process():
            return
        unique = {(str(r.img_id), r.img_path): r for shard in shards for r in shard}
        records = [unique[key] for key in sorted(unique, key=lambda key: (len(key[0]), key))]
        folder = Path(runner.log_dir) / self.out_dir / name
        self.score_thr.reset()
        if self.evaluate:
            data = ReportData(records, self.radius, self.score_thr.value, str(self.score_thr), self.rank_by)
            title = f'{runner.experiment_name}: {name.replace("_", " ")}'
            page = write_report(data, folder, load_picture, self.num_images, title)
            runner.logger.info(f'evaluation report: {page}')
        if submission:
            self._submit(records, folder)
            runner.logger.info(f'submission files: {folder}')

    def _submit(self, records: list[ImageRecord], folder: Path) -> None:
        try:
            by_id = {int(r.img_id): r for r in records}
        except ValueError as error:
            raise PointFileError(f'{folder}: a submission needs integer image ids, {error}') from error
        if len(by_id) < len(records):
            raise PointFileError(f'{folder}: {len(records)} images have only {len(by_id)} different ids')
        ids: Iterable = sorted(by_id) if self.submission_ids is None else read_ids(self.submission_ids)
        if all(r.pred is not None for r in records):
            points = {i: r.pred[r.scores >= self.score_thr.value] for i, r in by_id.items()}
            sizes = {i: r.size for i, r in by_id.items()}
            write_localization_submission(folder / 'nwpu_localization.txt', points, sizes, ids)
        counts = {
            i: float((r.scores >= self.score_thr.value).sum()) if r.count is None else r.count for i, r in by_id.items()
        }
        write_counting_submission(folder / 'nwpu_counting.txt', counts, ids)


def load_picture(record: ImageRecord) -> np.ndarray | None:
    """The original image of a record, (H, W, 3) uint8 RGB, from its file or from what the record kept."""
    if record.picture is not None:
        return cv2.imdecode(np.frombuffer(record.picture, np.uint8), cv2.IMREAD_COLOR)[..., ::-1].copy()
    return np.ascontiguousarray(read_image(record.img_path)[..., ::-1]) if Path(record.img_path).is_file() else None
