"""What an evaluation report shows, computed from one record per image."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from mmcrowd.evaluation.functional import (
    Localization,
    PointSets,
    ScoreCurve,
    counting_errors,
    localize,
    radius_sweep,
    score_curve,
    sigma_from_boxes,
)

COLUMNS = (
    'img_id',
    'img_path',
    'width',
    'height',
    'gt_count',
    'pred_count',
    'error',
    'abs_error',
    'tp',
    'fp',
    'fn',
    'precision',
    'recall',
    'f1',
)
RANKINGS = {'f1': 'F1', 'errors': 'false and missed points', 'count': 'absolute counting error'}


@dataclass
class ImageRecord:
    """Prediction and annotation of one image.

    Attributes:
        img_id: Id in the dataset.
        img_path: Path of the image file, or a name if there is no file.
        size: (height, width) of the original image, pixels.
        gt: (N, 2) xy of the heads, original pixels.
        boxes: (N, 4) boxes of the heads, NaN where unknown.
        pred: (M, 2) xy of all predicted points, or None for a model that only counts.
        scores: (M,) scores.
        count: Predicted count of a model that gives one, else None.
        picture: The image as JPEG bytes where no file holds it, else None.
        density: (h, w) density map of a model that only counts, None where it gives none.
    """

    img_id: int | str
    img_path: str
    size: tuple[int, int]
    gt: np.ndarray
    boxes: np.ndarray
    pred: np.ndarray | None
    scores: np.ndarray | None
    count: float | None = None
    picture: bytes | None = None
    density: np.ndarray | None = None


@dataclass
class ReportData:
    """Figures over all images at one radius and score threshold.

    Args:
        records: One per image.
        radius: Pixels, or ``sigma_s`` / ``sigma_l`` for radii from the boxes.
        score_thr: Lowest score of a point that is evaluated.
        threshold: How the threshold is described.
        rank_by: What makes an image good or bad, a key of :data:`RANKINGS`.
    """

    records: Sequence[ImageRecord]
    radius: float | str = 8.0
    score_thr: float = 0.0
    threshold: str = ''
    rank_by: str = 'f1'
    sweep_radii: Sequence[float] = field(default=tuple(range(1, 51)))

    def __post_init__(self) -> None:
        if self.rank_by not in RANKINGS:
            raise ValueError(f'rank_by: expected one of {list(RANKINGS)}, found {self.rank_by!r}')
        if not self.has_points:
            self.rank_by = 'count'
        self.threshold = self.threshold or f'score >= {self.score_thr:g}'

    @cached_property
    def has_points(self) -> bool:
        """Whether every image has predicted points."""
        return all(r.pred is not None for r in self.records)

    @cached_property
    def has_boxes(self) -> bool:
        """Whether every head has a box."""
        return bool(len(self.boxes)) and not np.isnan(self.boxes).any()

    @cached_property
    def boxes(self) -> np.ndarray:
        """(N, 4) boxes of all heads."""
        return np.concatenate([np.zeros((0, 4)), *(r.boxes for r in self.records)])

    @cached_property
    def kept(self) -> list[np.ndarray]:
        """Predicted points above the threshold, per image."""
        return [r.pred[r.scores >= self.score_thr] for r in self.records]

    @cached_property
    def sets(self) -> PointSets:
        """Kept points and heads of all images."""
        return PointSets.stack(self.kept, [r.gt for r in self.records])

    @cached_property
    def radii(self) -> float | np.ndarray:
        """The radius, or one per head."""
        return sigma_from_boxes(self.boxes, self.radius[-1]) if isinstance(self.radius, str) else float(self.radius)

    @property
    def radius_name(self) -> str:
        """For titles."""
        return self.radius.replace('_', ' ') if isinstance(self.radius, str) else f'{self.radius:g} px'

    @cached_property
    def outcome(self) -> Localization:
        """Maximum matching of the kept points."""
        return localize(self.sets, self.radii)

    @cached_property
    def curve(self) -> ScoreCurve:
        """Precision and recall over the score threshold, all points included."""
        everything = PointSets.stack([r.pred for r in self.records], [r.gt for r in self.records])
        return score_curve(everything, np.concatenate([np.zeros(0), *(r.scores for r in self.records)]), self.radii)

    @cached_property
    def sweep(self) -> dict[str, np.ndarray]:
        """(R,) precision, recall and F1 at fixed radii."""
        tp = radius_sweep(self.sets, self.sweep_radii).sum(axis=1)
        num_pred, num_gt = max(len(self.sets.pred), 1), max(len(self.sets.gt), 1)
        total = max(len(self.sets.pred) + len(self.sets.gt), 1)
        return dict(precision=tp / num_pred, recall=tp / num_gt, f1=2 * tp / total)

    @cached_property
    def gt_count(self) -> np.ndarray:
        """(I,) annotated counts."""
        return np.array([len(r.gt) for r in self.records])

    @cached_property
    def pred_count(self) -> np.ndarray:
        """(I,) predicted counts."""
        return np.array(
            [r.count if r.count is not None else float((r.scores >= self.score_thr).sum()) for r in self.records]
        )

    @cached_property
    def density(self) -> np.ndarray:
        """(I,) annotated heads per megapixel."""
        return self.gt_count / np.array([r.size[0] * r.size[1] / 1e6 for r in self.records])

    @cached_property
    def head_sizes(self) -> np.ndarray:
        """(N,) size of each head: the root of its box area, or without boxes the distance to its nearest head."""
        if self.has_boxes:
            return np.sqrt(np.prod(self.boxes[:, 2:] - self.boxes[:, :2], axis=1))
        return np.concatenate([np.zeros(0), *(_nearest_distance(r.gt) for r in self.records)])

    @cached_property
    def figures(self) -> dict[str, float]:
        """Headline figures over all images."""
        figures = counting_errors(self.pred_count, self.gt_count)
        if self.has_points:
            figures |= self.outcome.summary()
            best = self.curve.best()
            figures |= dict(best_f1=best['f1'], best_threshold=best['threshold'])
        return figures

    @cached_property
    def rows(self) -> list[dict]:
        """One dictionary per image with the keys :data:`COLUMNS`; None where a figure does not exist."""
        rows = []
        for i, r in enumerate(self.records):
            error = float(self.pred_count[i] - self.gt_count[i])
            row = dict.fromkeys(COLUMNS)
            row |= dict(img_id=r.img_id, img_path=r.img_path, height=r.size[0], width=r.size[1], error=error)
            row |= dict(gt_count=int(self.gt_count[i]), pred_count=float(self.pred_count[i]), abs_error=abs(error))
            if self.has_points:
                tp, fp, fn = (int(values[i]) for values in (self.outcome.tp, self.outcome.fp, self.outcome.fn))
                row |= dict(tp=tp, fp=fp, fn=fn)
                row['precision'] = tp / (tp + fp) if tp + fp else None
                row['recall'] = tp / (tp + fn) if tp + fn else None
                row['f1'] = 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else None
            rows.append(row)
        return rows

    def ranked(self) -> list[int]:
        """Images from the worst to the best; among equals the one with fewer heads is the worse."""

        def badness(i: int) -> tuple[float, int]:
            row = self.rows[i]
            wrong = (row['fp'] or 0) + (row['fn'] or 0)
            f1 = 1.0 if row['f1'] is None else row['f1']
            return dict(f1=-f1, errors=wrong, count=row['abs_error'])[self.rank_by], -row['gt_count']

        return sorted(range(len(self.records)), key=badness, reverse=True)

    def matches_of(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """(N,) found heads and (M,) true points among the kept ones of an image, bool."""
        gt = slice(*np.searchsorted(self.sets.gt_image, [i, i + 1]))
        pred = slice(*np.searchsorted(self.sets.pred_image, [i, i + 1]))
        return self.outcome.gt_matched[gt], self.outcome.match[pred] >= 0


def _nearest_distance(points: np.ndarray) -> np.ndarray:
    """Distance to the nearest other point, NaN for a single one."""
    if len(points) < 2:
        return np.full(len(points), np.nan)
    return cKDTree(points).query(points, k=2)[0][:, 1]
