"""Evaluation of point files of any method, by named protocols."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmcrowd.utils.point_files import PointFile, PointFileError, read_point_file

from .functional import (
    NUM_LEVELS,
    QNRF_RADII,
    SCENE_LEVELS,
    PointSets,
    counting_errors,
    counting_errors_by,
    counting_intervals,
    counting_intervals_by,
    level_recall,
    level_recall_intervals,
    localization_intervals,
    localize_at,
    mean_of_groups,
    radius_sweep,
    ranked_point_figures,
    ranked_point_intervals,
    scene_levels,
    score_curve,
    sweep_summary,
)

PROTOCOLS = ('nwpu', 'fixed', 'sweep', 'ranked', 'counting')
_AFFINITY = {True: 'exp(-d^2 / (2 sigma^2))', False: 'exp(-d^2 / sigma^2)'}


def evaluate_point_files(
    gt: str | Path,
    pred: str | Path,
    protocol: str,
    radius: Sequence[float] = (4, 8),
    matching: str = 'max',
    score_thr: float | None = None,
    lenient: bool = False,
    bootstrap: int = 0,
    seed: int = 0,
    two_in_exponent: bool = True,
) -> dict:
    """Evaluate a file of predicted points against a file of annotated ones.

    Args:
        gt: Annotations, see :mod:`mmcrowd.utils.point_files` for the formats.
        pred: Predictions.
        protocol: ``nwpu`` (sigma_s and sigma_l of the file, recall per level in official order), ``fixed`` (radii),
            ``sweep`` (means over 1 to 100 px, UCF-QNRF), ``ranked`` (AP and AR of scored points) or ``counting``. All
            but ``ranked`` report the counting errors too.
        radius: Radii of ``fixed``, and of the best F1 of ``ranked``, original pixels.
        matching: ``max`` or ``greedy``; the latter for ``nwpu``, ``fixed`` and ``sweep`` only.
        score_thr: Lowest score of a prediction that is evaluated; None takes all. Not for ``ranked``.
        lenient: Forgive what real files need (stated counts, negative sigmas, decimals, missing ids) and list it.
        bootstrap: Number of resamples for 95% confidence intervals, 0 for none.
        seed: Seed of the resampling.
        two_in_exponent: Form of the affinity of ``ranked``: ``exp(-d^2 / (2 sigma^2))`` or ``exp(-d^2 / sigma^2)``.

    Returns:
        ``protocol``, ``gt``, ``pred``, ``matching``, ``affinity``, ``score_thr``, ``num_images``, ``forgiven``, and the
        figures in one dictionary per radius (``sigma_l``, ``8px``, ``sweep``), ``ranked`` and ``counting``.

    Raises:
        PointFileError: For bad files, naming file, line and id.
        ValueError: For an unknown protocol, or an option that the protocol does not have.
    """
    _check_options(protocol, radius, matching, score_thr, bootstrap)
    counts_only = protocol == 'counting'
    gt_file = read_point_file(gt, 'gt', lenient, counts_only)
    pred_file = read_point_file(pred, 'pred', lenient, counts_only)
    ids, forgiven = _common_ids(gt_file, pred_file, lenient)
    if score_thr is not None:
        _apply_threshold(pred_file, score_thr)
    result = dict(
        protocol=protocol,
        gt=str(gt),
        pred=str(pred),
        matching=matching if protocol in ('nwpu', 'fixed', 'sweep') else None,
        affinity=_AFFINITY[two_in_exponent] if protocol == 'ranked' else None,
        score_thr=score_thr,
        num_images=len(ids),
        forgiven=gt_file.forgiven + pred_file.forgiven + forgiven,
    )
    intervals = dict(num=bootstrap, seed=seed)
    if protocol != 'counting':
        sets = PointSets.stack([_points(pred_file, i) for i in ids], [gt_file.images[i].points for i in ids])
    if protocol == 'nwpu':
        result |= _nwpu(sets, gt_file, ids, matching, intervals)
    elif protocol == 'fixed':
        result |= _fixed(sets, radius, matching, intervals)
    elif protocol == 'sweep':
        result['sweep'] = _sweep(sets, matching, intervals)
    elif protocol == 'ranked':
        result |= _ranked(sets, pred_file, ids, radius, two_in_exponent, intervals)
    if protocol != 'ranked':
        result['counting'] = _counting(gt_file, pred_file, ids, intervals)
    return result


def _check_options(
    protocol: str, radius: Sequence[float], matching: str, score_thr: float | None, bootstrap: int
) -> None:
    if protocol not in PROTOCOLS:
        raise ValueError(f'protocol: expected one of {PROTOCOLS}, found {protocol!r}')
    if not all(0 <= r < np.inf for r in radius):
        raise ValueError(f'radius: expected finite numbers of 0 or more, found {list(radius)}')
    if len({_radius_name(r) for r in radius}) < len(set(radius)):
        raise ValueError(f'radius: {list(radius)} differ by less than the names of the figures show')
    if protocol in ('ranked', 'counting') and matching != 'max':
        raise ValueError(f'matching: the protocol {protocol} has no {matching!r} matching')
    if protocol == 'ranked' and score_thr is not None:
        raise ValueError('score_thr: the protocol ranked takes points of all scores')
    if score_thr is not None and not np.isfinite(score_thr):
        raise ValueError(f'score_thr: expected a number, found {score_thr}')
    if bootstrap < 0:
        raise ValueError(f'bootstrap: expected 0 or more resamples, found {bootstrap}')


def _radius_name(radius: float) -> str:
    return f'{radius:g}px'


def _points(file: PointFile, i: int | str) -> np.ndarray:
    return file.images[i].points if i in file.images else np.zeros((0, 2))


def _common_ids(gt: PointFile, pred: PointFile, lenient: bool) -> tuple[list, list[str]]:
    missing = [i for i in gt.images if i not in pred.images]
    unknown = [i for i in pred.images if i not in gt.images]
    forgiven = []
    if not gt.images:
        raise PointFileError(f'{gt.path}: expected annotated images, found none')
    if missing:
        forgiven.append(f'{pred.path}: {len(missing)} ids of {gt.path} missing, first {_places(gt, missing)}')
    if unknown:
        lost = sum(len(pred.images[i].points) for i in unknown)
        forgiven.append(
            f'{pred.path}: {len(unknown)} ids unknown to {gt.path} ({lost} points), first {_places(pred, unknown)}'
        )
    if forgiven and not lenient:
        raise PointFileError('; '.join(forgiven))
    return list(gt.images), forgiven


def _places(file: PointFile, ids: list) -> str:
    return ', '.join(f'id {i} ({file.images[i].where})' for i in ids[:5])


def _apply_threshold(file: PointFile, score_thr: float) -> None:
    for i, record in file.images.items():
        if not len(record.points):
            if record.count:
                raise PointFileError(
                    f'{file.path}, {record.where}, id {i}: expected points with scores, found a count alone'
                )
            continue
        keep = file.stacked([i], 'scores') >= score_thr
        record.points, record.scores = record.points[keep], record.scores[keep]
        record.count = float(len(record.points))


def _interval_of(tp, fp, fn, options) -> dict:
    return dict(interval=localization_intervals(tp, fp, fn, **options)) if options['num'] else {}


def _nwpu(sets: PointSets, gt: PointFile, ids: list, matching: str, options: dict) -> dict:
    radii = {name: gt.stacked(ids, name) for name in ('sigma_s', 'sigma_l')}
    levels = gt.stacked(ids, 'level').astype(np.int64)
    result = {}
    for name, outcome in localize_at(sets, radii, matching, 'official').items():
        result[name] = outcome.summary() | level_recall(levels, outcome.gt_matched, NUM_LEVELS)
        result[name] |= _interval_of(outcome.tp, outcome.fp, outcome.fn, options)
        if options['num']:
            found = level_recall_intervals(levels, outcome.gt_matched, sets.gt_image, sets.num_images, **options)
            result[name]['interval'] |= found
    return result


def _fixed(sets: PointSets, radius: Sequence[float], matching: str, options: dict) -> dict:
    outcomes = localize_at(sets, {_radius_name(r): float(r) for r in radius}, matching)
    return {
        name: outcome.summary() | _interval_of(outcome.tp, outcome.fp, outcome.fn, options)
        for name, outcome in outcomes.items()
    }


def _sweep(sets: PointSets, matching: str, options: dict) -> dict:
    tp = radius_sweep(sets, matching=matching)
    mean = tp.mean(axis=0)
    totals = tp.sum(axis=1)
    return (
        sweep_summary(totals, len(sets.pred), len(sets.gt))
        | dict(radii=list(QNRF_RADII), tp=totals.tolist(), num_pred=len(sets.pred), num_gt=len(sets.gt))
        | _interval_of(mean, sets.pred_count - mean, sets.gt_count - mean, options)
    )


def _ranked(
    sets: PointSets, pred: PointFile, ids: list, radius: Sequence[float], two_in_exponent: bool, options: dict
) -> dict:
    scores = pred.stacked([i for i in ids if i in pred.images], 'scores')
    result = {}
    for r in radius:
        curve = score_curve(sets, scores, float(r))
        result[f'best_{_radius_name(r)}'] = curve.best()
        if options['num']:
            result[f'best_{_radius_name(r)}']['interval'] = curve.best_intervals(**options)
    result['ranked'] = ranked_point_figures(sets, scores, two_in_exponent=two_in_exponent)
    if options['num']:
        found = ranked_point_intervals(sets, scores, two_in_exponent=two_in_exponent, **options)
        result['ranked']['interval'] = found
    return result


def _counting(gt: PointFile, pred: PointFile, ids: list, options: dict) -> dict:
    annotated = np.array([gt.images[i].count for i in ids])
    counted = np.array([pred.images[i].count if i in pred.images else 0.0 for i in ids])
    by_level = counting_errors_by(counted, annotated, scene_levels(annotated), SCENE_LEVELS)
    result = counting_errors(counted, annotated) | dict(
        gt_total=annotated.sum(), pred_total=counted.sum(), scene_levels=by_level
    )
    result['scene_mae_avg'] = mean_of_groups(by_level)
    if options['num']:
        result['interval'] = counting_intervals(counted, annotated, **options)
        found, mean = counting_intervals_by(counted, annotated, scene_levels(annotated), SCENE_LEVELS, **options)
        result['interval']['scene_mae_avg'] = mean['mae']
        for name, figures in by_level.items():
            figures['interval'] = found[name]
    return result


def result_lines(result: dict) -> list[str]:
    """The result as lines of text: protocol, figures in percent with their intervals, and what was forgiven."""
    threshold = 'all scores' if result['score_thr'] is None else f'score >= {result["score_thr"]:g}'
    how = [result['protocol']] + ([f'{result["matching"]} matching, distance <= radius'] if result['matching'] else [])
    how += [f'nearest head by descending score, affinity {result["affinity"]}'] if result['affinity'] else []
    lines = [' | '.join([*how, threshold, f'{result["num_images"]} images'])]
    for name, figures in result.items():
        if isinstance(figures, dict) and 'f1' in figures:
            lines.append(_localization_line(name, figures))
            if 'level_recall' in figures:
                recalls = ' '.join(f'{100 * value:.2f}' for value in figures['level_recall'])
                shown = _range(figures, 'level_recall_avg', 100)
                lines.append(f'{"":10}recall A0-A5 {recalls} | avg {100 * figures["level_recall_avg"]:.2f}{shown}')
    ranked = result.get('ranked', {})
    for name, value in ranked.items():
        if name.startswith('m') or '50_' in name or '75_' in name:
            lines.append(f'{name:10}{100 * value:.2f}{_range(ranked, name, 100)}')
    if counting := result.get('counting'):
        lines.append(
            f'{"counting":10}'
            + ', '.join(
                f'{key.upper()} {counting[key]:.4f}{_range(counting, key, 1)}' for key in ('mae', 'rmse', 'nae')
            )
            + f' (NAE over {counting["nae_images"]} images)'
        )
        for level, errors in counting['scene_levels'].items():
            shown = _range(errors, 'mae', 1)
            lines.append(f'{"":10}{level} {errors["num_images"]} images, MAE {errors["mae"]:.2f}{shown}')
        shown = _range(counting, 'scene_mae_avg', 1)
        lines.append(f'{"":10}average of the levels, MAE {counting["scene_mae_avg"]:.2f}{shown}')
    return lines + [f'forgiven: {text}' for text in result['forgiven']]


def _localization_line(name: str, figures: dict) -> str:
    line = f'{name:10}' + ', '.join(
        f'{label} {100 * figures[key]:.4f}{_range(figures, key, 100)}'
        for label, key in (('F1', 'f1'), ('P', 'precision'), ('R', 'recall'))
    )
    if 'tp' in figures and 'fp' in figures:
        line += f' | TP {figures["tp"]} FP {figures["fp"]} FN {figures["fn"]}'
    return line + (f' | threshold {figures["threshold"]:g}' if 'threshold' in figures else '')


def _range(figures: dict, key: str, scale: float) -> str:
    if 'interval' not in figures:
        return ''
    low, high = figures['interval'][key]
    return f' [{scale * low:.2f}, {scale * high:.2f}]'
