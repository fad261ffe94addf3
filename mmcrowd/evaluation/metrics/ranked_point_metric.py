"""Average precision and recall of ranked points as an mmengine metric."""

from collections.abc import Sequence

import numpy as np

from mmcrowd.registry import METRICS

from ..functional import PointSets, ranked_point_figures, ranked_point_intervals
from .base import (
    CrowdMetric,
    annotated_points,
    inside,
    interval_figures,
    predicted_points,
    refuse_count_only,
    region_of_interest,
    sample_count,
)

_SHOWN = ('ap50', 'ap75', 'map', 'ar50', 'ar75', 'mar')


@METRICS.register_module()
class RankedPointMetric(CrowdMetric):
    """AP and AR of points ranked by score, as RAZ-Net reports them.

    Keys: ``crowd/map_s40``, ``crowd/mar_s40``, ``crowd/ap50_s40``, ``crowd/ap75_s40``, ``crowd/ar50_s40``,
    ``crowd/ar75_s40``, the same for the other sigmas. The file ``out`` has every affinity from 0.50 to 0.95.

    Args:
        sigmas: Widths of the Gaussian affinity, original pixels.
        two_in_exponent: ``exp(-d^2 / (2 sigma^2))`` if true, else ``exp(-d^2 / sigma^2)``.
        bootstrap: Resamples for 95% intervals of these, 0 for none.
        seed: Seed of the resampling.
        **kwargs: See :class:`CrowdMetric`.
    """

    def __init__(
        self,
        sigmas: Sequence[float] = (40, 20, 5),
        two_in_exponent: bool = True,
        bootstrap: int = 0,
        seed: int = 0,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.sigmas, self.two_in_exponent = tuple(float(sigma) for sigma in sigmas), two_in_exponent
        self.bootstrap, self.seed = bootstrap, seed

    def record(self, sample: dict) -> dict:
        """Predictions with scores, and heads; those inside the region of interest ``roi`` if there is one."""
        (pred, scores), gt, roi = predicted_points(sample), annotated_points(sample), region_of_interest(sample)
        kept = inside(pred, roi)
        return dict(pred=pred[kept], scores=scores[kept], gt=gt[inside(gt, roi)], count=sample_count(sample))

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Figures over all images, pooled."""
        refuse_count_only(self, [r['count'] for r in results], sum(len(r['pred']) for r in results))
        sets = PointSets.stack([r['pred'] for r in results], [r['gt'] for r in results])
        scores = np.concatenate([np.zeros(0), *(r['scores'] for r in results)])
        figures = ranked_point_figures(sets, scores, self.sigmas, two_in_exponent=self.two_in_exponent)
        rows = [['sigma', 'AP.50', 'AP.75', 'mAP', 'AR.50', 'AR.75', 'mAR']]
        for sigma in self.sigmas:
            rows.append([f'{sigma:g} px', *(f'{figures[f"{name}_s{sigma:g}"]:.4f}' for name in _SHOWN)])
        if self.bootstrap:
            intervals = ranked_point_intervals(
                sets, scores, self.sigmas, self.two_in_exponent, self.bootstrap, seed=self.seed
            )
            figures |= interval_figures(figures, intervals)
            for sigma in self.sigmas:
                bounds = ['{:.4f} to {:.4f}'.format(*intervals[f'{name}_s{sigma:g}']) for name in _SHOWN]
                rows.append([f'{sigma:g} px, 95% of {self.bootstrap}', *bounds])
        form = '2 sigma^2' if self.two_in_exponent else 'sigma^2'
        how = f'nearest head by descending score | affinity exp(-d^2 / {form}), thresholds 0.50 to 0.95 | all scores'
        size = dict(num_images=len(results), num_heads=sum(len(r['gt']) for r in results))
        protocol = dict(protocol='ranked points', how=how, **size, seed=self.seed)
        self.report(f'ranked points | {how} | {len(results)} images', rows, figures, protocol)
        return {key: value for key, value in figures.items() if key.startswith(_SHOWN)}
