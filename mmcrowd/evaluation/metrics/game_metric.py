"""Grid average mean absolute error as an mmengine metric."""

import numpy as np

from mmcrowd.registry import METRICS

from ..functional import game, game_errors, mean_intervals, point_cells
from .base import (
    CrowdMetric,
    ScoreThreshold,
    annotated_points,
    interval_figures,
    predicted_cells,
    predicted_heads,
    predicted_points,
    region_of_interest,
)


@METRICS.register_module()
class GAMEMetric(CrowdMetric):
    """GAME(0) to GAME(L): ``crowd/game0`` and so on; GAME(0) is the MAE.

    The predicted density ``pred_map.density`` of a model that counts without points, the points of others. A region of
    interest ``roi`` of a data sample limits both sides.

    Args:
        level: Highest L.
        score_thr: Lowest score of a point that counts; or the file that ``save_thr`` of another metric wrote.
        bootstrap: Resamples for 95% intervals, 0 for none.
        seed: Seed of the resampling.
        **kwargs: See :class:`CrowdMetric`.
    """

    def __init__(
        self, level: int = 3, score_thr: float | str = 0.0, bootstrap: int = 0, seed: int = 0, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        self.level, self.score_thr = level, ScoreThreshold(score_thr)
        self.bootstrap, self.seed = bootstrap, seed

    def record(self, sample: dict) -> dict:
        """Predicted and annotated counts per cell."""
        roi, size = region_of_interest(sample), tuple(sample['ori_shape'][:2])
        heads, cells = predicted_heads(sample), None
        if heads is None or (not len(heads) and 'pred_count' in sample):
            cells = predicted_cells(sample, self.level)
        if cells is None:
            points, scores = predicted_points(sample)
            cells = point_cells(points[scores >= self.score_thr.value], size, self.level, roi)
        return dict(pred=cells, gt=point_cells(annotated_points(sample), size, self.level, roi))

    def evaluate(self, size: int) -> dict[str, float]:
        """Figures of the dataset; every process forgets a threshold that it read from a file."""
        figures = super().evaluate(size)
        self.score_thr.reset()
        return figures

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Figures over all images."""
        n = 2**self.level
        pred, gt = (np.array([r[side] for r in results]).reshape(-1, n, n) for side in ('pred', 'gt'))
        figures = game(pred, gt)
        rows = [['', *figures], ['cells', *(4**level for level in range(self.level + 1))]]
        rows.append(['error', *(f'{value:.2f}' for value in figures.values())])
        if self.bootstrap:
            intervals = mean_intervals(game_errors(pred, gt), self.bootstrap, seed=self.seed)
            figures |= interval_figures(figures, intervals)
            bounds = [f'{low:.2f} to {high:.2f}' for low, high in intervals.values()]
            rows.append([f'95% of {self.bootstrap} resamples', *bounds])
        size = dict(num_images=len(results), num_heads=int(gt.sum()))
        protocol = dict(protocol='GAME', level=self.level, threshold=str(self.score_thr), **size)
        self.report(f'GAME | {self.score_thr} | {len(results)} images', rows, figures, protocol)
        return figures
