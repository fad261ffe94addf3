"""Precision, recall and F1 of points as an mmengine metric."""

from collections.abc import Sequence

import numpy as np

from mmcrowd.registry import METRICS
from mmcrowd.utils.json_files import write_json

from ..functional import (
    Localization,
    PointSets,
    area_levels,
    level_recall,
    level_recall_intervals,
    localization_errors,
    localization_intervals,
    localize_at,
    radius_sweep,
    ratio_interval,
    score_curve,
    sigma_from_boxes,
    sweep_summary,
)
from .base import (
    CrowdMetric,
    ScoreThreshold,
    annotated_points,
    inside,
    interval_figures,
    predicted_points,
    refuse_count_only,
    region_of_interest,
    sample_count,
    to_numpy,
)

_FIGURES = ('f1', 'precision', 'recall')


@METRICS.register_module()
class CrowdLocalizationMetric(CrowdMetric):
    """Micro-averaged precision, recall and F1 under one-to-one matching within a radius (distance <= radius).

    Keys: ``crowd/f1_8px`` (also ``precision_``, ``recall_``) for a fixed radius of 8 pixels, ``crowd/f1_sigma_l`` for
    each head's own radius from its box (NWPU-Crowd), ``crowd/f1_sweep`` for the mean over 1 to 100 pixels. If a data
    sample has a region of interest ``roi``, points and heads outside it take no part.

    Args:
        radii: Fixed radii, original pixels.
        sigma: ``s`` (half the shorter side of the box), ``l`` (half its diagonal), ``sl`` for both, or None.
        score_thr: Lowest score of a point that is evaluated; or the file that ``save_thr`` wrote on the validation set.
        matching: ``max`` (maximum matching, the official one) or ``greedy`` (nearest pair first).
        floor: Round coordinates of predictions and heads down, as the official text files hold them.
        sigma_rounding: ``half_up`` (NWPU-Crowd), ``floor`` or ``none``.
        levels: Recall by box area A0 to A5 at each sigma (``crowd/recall_A0_sigma_l``, ``crowd/recall_avg_sigma_l``)
            under the matching in official order, images by id. The level is the sample's ``levels`` if it has them.
        sweep: Means over the radii 1 to 100 (UCF-QNRF).
        error: Mean localization error ``crowd/mle`` in pixels, 16 for a point without partner.
        best_f1: Radius name such as ``8px`` or ``sigma_l`` at which the best F1 over all score thresholds is sought:
            ``crowd/best_f1_8px`` and its threshold ``crowd/best_thr_8px``; points below ``score_thr`` take part.
        save_thr: File for that threshold.
        bootstrap: Resamples for 95% intervals (``crowd/f1_8px_ci_low``, ``crowd/f1_8px_ci_high``), 0 for none.
        seed: Seed of the resampling.
        **kwargs: See :class:`CrowdMetric`.
    """

    def __init__(
        self,
        radii: Sequence[float] = (4, 8),
        sigma: str | None = None,
        score_thr: float | str = 0.0,
        matching: str = 'max',
        floor: bool = False,
        sigma_rounding: str = 'half_up',
        levels: bool = False,
        sweep: bool = False,
        error: bool = False,
        best_f1: str | None = None,
        save_thr: str | None = None,
        bootstrap: int = 0,
        seed: int = 0,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if sigma not in (None, 's', 'l', 'sl'):
            raise ValueError(f"sigma: expected None, 's', 'l' or 'sl', found {sigma!r}")
        if matching not in ('max', 'greedy'):
            raise ValueError(f"matching: expected 'max' or 'greedy', found {matching!r}")
        if levels and not sigma:
            raise ValueError('levels need a sigma')
        self.radii, self.sigma = tuple(radii), sigma or ''
        names = [f'{radius:g}px' for radius in self.radii] + [f'sigma_{kind}' for kind in self.sigma]
        if not names and not sweep:
            raise ValueError('expected at least one radius, a sigma or a sweep')
        if (best_f1 is None and save_thr) or (best_f1 is not None and best_f1 not in names):
            raise ValueError(f'best_f1: expected one of {names}, found {best_f1!r}')
        self.score_thr, self.matching, self.floor = ScoreThreshold(score_thr), matching, floor
        self.sigma_rounding, self.levels, self.sweep, self.error = sigma_rounding, levels, sweep, error
        self.best_f1, self.save_thr, self.bootstrap, self.seed = best_f1, save_thr, bootstrap, seed

    def record(self, sample: dict) -> dict:
        """Predictions with scores, heads, and their boxes where radii come from them."""
        (pred, scores), gt, roi = predicted_points(sample), annotated_points(sample), region_of_interest(sample)
        kept, heads = inside(pred, roi), inside(gt, roi)
        pred, scores, gt = pred[kept], scores[kept], gt[heads]
        record = dict(pred=np.floor(pred) if self.floor else pred, gt=np.floor(gt) if self.floor else gt, scores=scores)
        record['count'] = sample_count(sample)
        if self.sigma:
            boxes = to_numpy(sample['gt_instances']['bboxes']).astype(np.float64).reshape(-1, 4)[heads]
            if np.isnan(boxes).any():
                raise ValueError(
                    f'image {sample.get("img_path")}: sigma needs a box for every head, '
                    f'{int(np.isnan(boxes).any(axis=1).sum())} of {len(boxes)} have none; use fixed radii'
                )
            given = sample['gt_instances'].get('levels')
            record |= dict(boxes=boxes, levels=area_levels(boxes) if given is None else to_numpy(given)[heads])
        return record

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Figures over all images."""
        self.score_thr.reset()
        refuse_count_only(self, [r['count'] for r in results], sum(len(r['pred']) for r in results))
        gts = [r['gt'] for r in results]
        sets = PointSets.stack([r['pred'][r['scores'] >= self.score_thr.value] for r in results], gts)
        radii = self._radii(results)
        figures: dict[str, float] = {}
        rows = [['radius', 'F1', 'precision', 'recall', 'TP', 'FP', 'FN']]
        order = 'official' if self.levels else 'any'
        for name, outcome in localize_at(sets, radii, self.matching, order).items():
            summary = outcome.summary()
            rows.append([name, *(f'{summary[key]:.4f}' for key in _FIGURES), *(summary[k] for k in ('tp', 'fp', 'fn'))])
            figures |= {f'{key}_{name}': summary[key] for key in _FIGURES}
            figures |= self._intervals(name, outcome.tp, sets, figures, rows)
            if self.levels and name.startswith('sigma'):
                figures |= self._level_figures(name, outcome, sets, results, rows)
        if self.sweep:
            figures |= self._sweep_figures(sets, rows)
        if self.error:
            figures |= self._error_figures(sets, rows)
        if self.best_f1:
            figures |= self._best_figures(results, gts, radii[self.best_f1], rows)
        how = f'distance <= radius | {self.matching} matching | {self.score_thr}'
        if self.floor:
            how += ' | floored coordinates'
        size = dict(num_images=len(results), num_heads=sum(map(len, gts)))
        protocol = dict(protocol='localization', how=how, radii=list(radii), **size, seed=self.seed)
        self.report(f'localization | {how} | {len(results)} images', rows, figures, protocol)
        return figures

    def _radii(self, results: list[dict]) -> dict[str, float | np.ndarray]:
        radii: dict[str, float | np.ndarray] = {f'{radius:g}px': float(radius) for radius in self.radii}
        for kind in self.sigma:
            boxes = np.concatenate([np.zeros((0, 4)), *(r['boxes'] for r in results)])
            radii[f'sigma_{kind}'] = sigma_from_boxes(boxes, kind, self.sigma_rounding)
        return radii

    def _intervals(self, name: str, tp: np.ndarray, sets: PointSets, figures: dict, rows: list) -> dict[str, float]:
        if not self.bootstrap:
            return {}
        fp, fn = sets.pred_count - tp, sets.gt_count - tp
        found = localization_intervals(tp, fp, fn, self.bootstrap, seed=self.seed)
        bounds = ['{:.4f} to {:.4f}'.format(*found[key]) for key in _FIGURES]
        rows.append([f'  95% of {self.bootstrap}', *bounds, '', '', ''])
        return interval_figures(figures, {f'{key}_{name}': value for key, value in found.items()})

    def _error_figures(self, sets: PointSets, rows: list) -> dict[str, float]:
        errors = localization_errors(sets)
        figures = dict(mle=float(errors.sum() / len(sets.gt)) if len(sets.gt) else float('nan'))
        rows.append(['MLE [px]', f'{figures["mle"]:.4f}', *[''] * 5])
        if self.bootstrap:
            found = ratio_interval(errors, sets.gt_count, self.bootstrap, seed=self.seed)
            rows.append([f'  95% of {self.bootstrap}', '{:.4f} to {:.4f}'.format(*found), *[''] * 5])
            figures |= interval_figures(figures, dict(mle=found))
        return figures

    def _level_figures(
        self, name: str, outcome: Localization, sets: PointSets, results: list[dict], rows: list
    ) -> dict[str, float]:
        levels = np.concatenate([np.zeros(0, np.int64), *(r['levels'] for r in results)])
        found = level_recall(levels, outcome.gt_matched)
        figures = {f'recall_avg_{name}': found['level_recall_avg']}
        for i, (recall, tp, fn) in enumerate(
            zip(found['level_recall'], found['level_tp'], found['level_fn'], strict=True)
        ):
            figures[f'recall_A{i}_{name}'] = recall
            rows.append([f'  A{i}', '', '', f'{recall:.4f}', tp, '', fn])
        rows.append(['  average', '', '', f'{found["level_recall_avg"]:.4f}', '', '', ''])
        if self.bootstrap:
            options = dict(num=self.bootstrap, seed=self.seed)
            parts = level_recall_intervals(levels, outcome.gt_matched, sets.gt_image, sets.num_images, **options)
            average = parts['level_recall_avg']
            rows.append([f'  95% of {self.bootstrap}', '', '', '{:.4f} to {:.4f}'.format(*average), '', '', ''])
            named = {f'recall_A{i}_{name}': part for i, part in enumerate(parts['level_recall'])}
            figures |= interval_figures(figures, named | {f'recall_avg_{name}': average})
        return figures

    def _sweep_figures(self, sets: PointSets, rows: list) -> dict[str, float]:
        tp = radius_sweep(sets, matching=self.matching)
        summary = sweep_summary(tp.sum(axis=1), len(sets.pred), len(sets.gt))
        rows.append(['mean 1 to 100 px', *(f'{summary[key]:.4f}' for key in _FIGURES), '', '', ''])
        figures = {f'{key}_sweep': summary[key] for key in _FIGURES}
        return figures | self._intervals('sweep', tp.mean(axis=0), sets, figures, rows)

    def _best_figures(self, results: list[dict], gts: list, radius: float | np.ndarray, rows: list) -> dict[str, float]:
        everything = PointSets.stack([r['pred'] for r in results], gts)
        curve = score_curve(everything, np.concatenate([np.zeros(0), *(r['scores'] for r in results)]), radius)
        best = curve.best()
        rows.append([f'best {self.best_f1}', *(f'{best[key]:.4f}' for key in _FIGURES)])
        rows[-1] += [f'score >= {best["threshold"]:.6g}', '', '']
        if self.save_thr:
            chosen = dict(best, criterion=f'F1 at {self.best_f1}', num_images=len(results))
            write_json(self.save_thr, chosen)
        figures = {f'best_f1_{self.best_f1}': best['f1'], f'best_thr_{self.best_f1}': best['threshold']}
        if self.bootstrap:
            found = curve.best_intervals(self.bootstrap, seed=self.seed)
            bounds = ['{:.4f} to {:.4f}'.format(*found[key]) for key in _FIGURES]
            threshold = '{:.4g} to {:.4g}'.format(*found['threshold'])
            rows.append([f'  95% of {self.bootstrap}', *bounds, f'score >= {threshold}', '', ''])
            named = {f'best_{k}_{self.best_f1}': found[key] for k, key in (('f1', 'f1'), ('thr', 'threshold'))}
            figures |= interval_figures(figures, named)
        return figures
