"""MAE, RMSE and NAE as an mmengine metric."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmcrowd.registry import METRICS
from mmcrowd.utils.json_files import write_json

from ..functional import (
    JHU_CATEGORIES,
    LUMINANCE_LEVELS,
    SCENE_LEVELS,
    counting_curve,
    counting_errors,
    counting_errors_by,
    counting_intervals,
    counting_intervals_by,
    jhu_categories,
    luminance_levels,
    mean_luminance,
    mean_of_groups,
    scene_levels,
)
from .base import (
    CrowdMetric,
    ScoreThreshold,
    annotated_points,
    inside,
    interval_figures,
    predicted_count,
    predicted_heads,
    predicted_points,
    refuse_count_only,
    region_of_interest,
    to_numpy,
)


@METRICS.register_module()
class CrowdCountingMetric(CrowdMetric):
    """Counting errors: ``crowd/mae``, ``crowd/rmse``, ``crowd/nae``.

    The count of an image is ``pred_count`` if the model gives one, else its number of points with a score of at least
    the threshold (box centres for detectors). If a data sample has a region of interest ``roi``, what lies outside it
    does not count, neither points nor density.

    Args:
        count: 'auto' as above, 'points' for the number of points of a model that has a count as well, or the field of
            another count of the model, such as ``pred_count_<name>``.
        score_thr: Lowest score of a point that counts; or the file that ``save_thr`` wrote on the validation set.
        group_by: Errors by group as well: ``scene_level`` (NWPU-Crowd S0 to S4), ``jhu_category`` (low, medium, high),
            ``luminance`` (the sample's ``luminance``, 0 to 3 or a fraction, else that of the input image),
            ``weather`` (JHU-Crowd++: clear or weather), or any other key of the data samples such as ``scene``. Keys
            are ``crowd/mae_S0``, and ``crowd/mae_scene_level_avg`` for the unweighted mean of the groups.
        bootstrap: Resamples for 95% intervals (``crowd/mae_ci_low``, ``crowd/mae_ci_high``), 0 for none.
        seed: Seed of the resampling.
        best_mae: Also seek the lowest MAE over all score thresholds (``crowd/best_mae`` at ``crowd/best_thr``), to
            choose a checkpoint whatever the level of its scores. Points below ``score_thr`` take part, and points
            alone: a count of the model has no threshold.
        save_thr: File for that threshold.
        **kwargs: See :class:`CrowdMetric`.
    """

    def __init__(
        self,
        score_thr: float | str = 0.0,
        group_by: Sequence[str] = (),
        bootstrap: int = 0,
        seed: int = 0,
        best_mae: bool = False,
        save_thr: str | None = None,
        count: str = 'auto',
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.count = count
        self.score_thr, self.group_by = ScoreThreshold(score_thr), tuple(group_by)
        self.bootstrap, self.seed, self.best_mae, self.save_thr = bootstrap, seed, best_mae, save_thr

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep a record of each image, with the luminance of the input image where it is asked for and not given."""
        if 'luminance' in self.group_by:
            images = data_batch['inputs']
            data_samples = [
                sample if 'luminance' in sample else dict(sample, luminance=_luminance(image))
                for sample, image in zip(data_samples, images, strict=True)
            ]
        super().process(data_batch, data_samples)

    def record(self, sample: dict) -> dict:
        """Predicted count or scores, annotated count, and group names."""
        gt, roi, count = annotated_points(sample), region_of_interest(sample), None
        if self.count != 'points':
            count = predicted_count(sample, 'pred_count' if self.count == 'auto' else self.count)
        if count is None and self.count not in ('auto', 'points'):
            found = sorted(key for key in sample if key.startswith('pred_count'))
            raise KeyError(f'image {sample.get("img_path")}: the model gives no {self.count}, its counts are {found}')
        record: dict = dict(gt=int(inside(gt, roi).sum()), count=count)
        if count is None or (self._seeks_threshold and predicted_heads(sample) is not None):
            points, scores = predicted_points(sample)
            record['scores'] = scores[inside(points, roi)]
        for name in self.group_by:
            if name not in ('scene_level', 'jhu_category'):
                if name not in sample:
                    raise KeyError(f'image {sample.get("img_path")}: group_by {name!r} is no key of the data sample')
                record[name] = sample[name]
        return record

    @property
    def _seeks_threshold(self) -> bool:
        return self.best_mae or self.save_thr is not None

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Errors over all images."""
        self.score_thr.reset()
        gt = np.array([r['gt'] for r in results], np.int64)
        pred = np.array([self._count(r) for r in results])
        errors = counting_errors(pred, gt)
        figures = {key: errors[key] for key in ('mae', 'rmse', 'nae')}
        rows = [['images', 'MAE', 'RMSE', 'NAE', 'number', 'with heads', 'counted', 'annotated']]
        rows.append(_row('all', errors, pred, gt))
        for name in self.group_by:
            groups, order = _groups(name, results, gt)
            by_group = counting_errors_by(pred, gt, groups, order)
            for group, part in by_group.items():
                figures |= {f'{key}_{group}': part[key] for key in ('mae', 'rmse', 'nae')}
                rows.append(_row(f'{name} {group}', part, pred[groups == group], gt[groups == group]))
            figures[f'mae_{name}_avg'] = mean_of_groups(by_group)
            figures |= self._group_intervals(name, pred, gt, groups, order, figures)
            rows.append([f'{name} average', f'{figures[f"mae_{name}_avg"]:.2f}', *[''] * 6])
        if self.bootstrap:
            intervals = counting_intervals(pred, gt, self.bootstrap, seed=self.seed)
            figures |= interval_figures(figures, intervals)
            bounds = [f'{low:.4g} to {high:.4g}' for low, high in intervals.values()]
            rows.append([f'95% of {self.bootstrap} resamples', *bounds, *[''] * 4])
        if self._seeks_threshold:
            best = self._best_threshold(results, gt)
            figures |= dict(best_mae=best['mae'], best_thr=best['threshold'])
            rows.append([f'best: score >= {best["threshold"]:.6g}', f'{best["mae"]:.2f}', *[''] * 6])
        threshold = str(self.score_thr)
        if results and all(r['count'] is not None for r in results):
            threshold = f'{"pred_count" if self.count == "auto" else self.count} of the model'
        protocol = dict(protocol='counting', threshold=threshold, num_images=len(gt), num_heads=int(gt.sum()))
        protocol['seed'] = self.seed
        self.report(f'counting | {threshold} | {len(gt)} images', rows, figures, protocol)
        return figures

    def _group_intervals(
        self,
        name: str,
        pred: np.ndarray,
        gt: np.ndarray,
        groups: np.ndarray,
        order: Sequence[str] | None,
        figures: dict[str, float],
    ) -> dict[str, float]:
        if not self.bootstrap:
            return {}
        by_group, means = counting_intervals_by(pred, gt, groups, order, self.bootstrap, seed=self.seed)
        found = {f'{key}_{group}': value for group, part in by_group.items() for key, value in part.items()}
        return interval_figures(figures, dict(found, **{f'mae_{name}_avg': means['mae']}))

    def _count(self, record: dict) -> float:
        return float((record['scores'] >= self.score_thr.value).sum()) if record['count'] is None else record['count']

    def _best_threshold(self, results: list[dict], gt: np.ndarray) -> dict[str, float]:
        """The score threshold of the lowest MAE; written to the file that ``save_thr`` names."""
        if any('scores' not in r for r in results):
            raise ValueError('best_mae: the model gives counts without points, there is no threshold to choose')
        refuse_count_only(self, [r['count'] for r in results], sum(len(r['scores']) for r in results))
        scores = np.concatenate([np.zeros(0), *(r['scores'] for r in results)])
        image = np.repeat(np.arange(len(results)), [len(r['scores']) for r in results])
        thresholds, mae = counting_curve(scores, image, gt)
        best = int(np.argmin(mae)) if len(mae) else 0
        nothing = dict(threshold=0.0, mae=float(gt.mean()) if len(gt) else float('nan'))
        found = dict(threshold=float(thresholds[best]), mae=float(mae[best])) if len(mae) else nothing
        if nothing['mae'] < found['mae']:  # the best is to find no head: just above the highest score
            found = dict(nothing, threshold=float(np.nextafter(thresholds[0], np.inf)))
        if self.save_thr:
            write_json(self.save_thr, dict(found, criterion='counting MAE', num_images=len(results)))
        return found


def _luminance(image: Any) -> float:
    return mean_luminance(np.moveaxis(to_numpy(image), 0, -1))


def _row(name: str, errors: dict, pred: np.ndarray, gt: np.ndarray) -> list:
    values = [f'{errors["mae"]:.2f}', f'{errors["rmse"]:.2f}', f'{errors["nae"]:.4f}', errors['num_images']]
    return [name, *values, errors['nae_images'], f'{pred.sum():.1f}', int(gt.sum())]


def _groups(name: str, results: list[dict], gt: np.ndarray) -> tuple[np.ndarray, Sequence[str] | None]:
    """Group name of each image and the order of the groups."""
    if name == 'scene_level':
        return scene_levels(gt), SCENE_LEVELS
    if name == 'jhu_category':
        return jhu_categories(gt), JHU_CATEGORIES
    values = [r[name] for r in results]
    if name == 'luminance':
        levels = [f'L{v}' if isinstance(v, int | np.integer) else str(luminance_levels(v)) for v in values]
        return np.array(levels), LUMINANCE_LEVELS
    if name == 'weather':
        return np.array(['clear' if str(v) in ('0', 'none', 'None') else 'weather' for v in values]), None
    return np.array([str(v) for v in values]), None
