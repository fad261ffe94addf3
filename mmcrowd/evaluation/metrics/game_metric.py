"""Grid average mean absolute error as an mmengine metric."""

import numpy as np

from mmcrowd.registry import METRICS

from ..functional import density_cells, game, game_errors, mean_intervals, point_cells
from .base import (
    CrowdMetric,
    ScoreThreshold,
    annotated_points,
    interval_figures,
    predicted_points,
    region_of_interest,
    to_numpy,
)


@METRICS.register_module()
class GAMEMetric(CrowdMetric):
    """GAME(0) to GAME(L): ``crowd/game0`` and so on; GAME(0) is the MAE.

    The predicted density ``pred_map`` is used if the model gives one of a single channel and no points, else its
    points. A region of interest ``roi`` of a data sample limits both sides.

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
        if 'pred_instances' in sample:
            points, scores = predicted_points(sample)
            pred = point_cells(points[scores >= self.score_thr.value], size, self.level, roi)
        else:
            pred = density_cells(self._density(sample), size, self.level, roi)
        return dict(pred=pred, gt=point_cells(annotated_points(sample), size, self.level, roi))

    @staticmethod
    def _density(sample: dict) -> np.ndarray:
        maps = sample.get('pred_map')
        density = None if maps is None else maps.get('density', maps.get('data'))
        if density is None:
            raise KeyError(f'image {sample.get("img_path")}: GAME needs pred_instances or a density in pred_map')
        density = to_numpy(density)
        if density.ndim != 2 and density.shape[0] != 1:
            raise ValueError(
                f'image {sample.get("img_path")}: expected a density map of one channel, found shape {density.shape}'
            )
        return density.reshape(density.shape[-2:])

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
        protocol = dict(protocol='GAME', level=self.level, threshold=str(self.score_thr), num_images=len(results))
        self.report(f'GAME | {self.score_thr} | {len(results)} images', rows, figures, protocol)
        return figures
