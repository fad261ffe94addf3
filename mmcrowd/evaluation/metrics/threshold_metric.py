"""IIM's learnt thresholds on heads and beside them as an mmengine metric."""

import numpy as np

from mmcrowd.codecs.numerics import covered_cells, fill_boxes
from mmcrowd.registry import CODECS, METRICS

from .base import CrowdMetric, annotated_points, to_numpy


@METRICS.register_module()
class ThresholdMetric(CrowdMetric):
    """Mean confidence and threshold of instance maps, on the regions of heads and on the background.

    The paper's figure 7 in numbers: a threshold map has learnt something where it is lower on heads than beside them.
    Needs ``pred_map`` (``test_cfg.return_maps``). Keys: ``crowd/threshold_on_heads``,
    ``crowd/threshold_on_background``, ``crowd/confidence_on_heads``, ``crowd/confidence_on_background``; means over
    all cells of all images, but not those in ignored regions.

    Args:
        codec: The model's :class:`mmcrowd.codecs.InstanceMapCodec`: its regions say what is head.
        pseudo_size: Side of the box that a head without one gets, as in :class:`mmcrowd.datasets.EncodeTargets`.
        **kwargs: See :class:`CrowdMetric`.
    """

    def __init__(self, codec: dict, pseudo_size: float | None = None, **kwargs) -> None:
        super().__init__(**kwargs)
        self.codec, self.pseudo_size = CODECS.build(codec), pseudo_size

    def record(self, sample: dict) -> dict:
        """Sums and numbers of cells, on heads and beside them."""
        maps = sample.get('pred_map')
        if maps is None or any(name not in maps for name in self.codec.predicted):
            raise KeyError(
                f'image {sample.get("img_path")}: ThresholdMetric needs the predicted maps {list(self.codec.predicted)}'
                ', set test_cfg.return_maps=True in the model'
            )
        heads, valid = self.regions(sample)
        values = {name: to_numpy(maps[name]).astype(np.float64) for name in self.codec.predicted}
        for name, value in values.items():
            if value.shape != heads.shape:
                raise ValueError(
                    f'image {sample.get("img_path")}: the {name} map has {value.shape} cells, but regions of stride '
                    f"{self.codec.stride} {heads.shape}: give ThresholdMetric the model's codec"
                )
        return {
            f'{name}_on_{where}': (value[region].sum(), int(region.sum()))
            for name, value in values.items()
            for where, region in (('heads', heads & valid), ('background', ~heads & valid))
        }

    def regions(self, sample: dict) -> tuple[np.ndarray, np.ndarray]:
        """Cells (1, h, w) of heads, and cells that count."""
        scale = np.asarray(sample.get('scale_factor', (1.0, 1.0)), np.float64)[:2]
        points = annotated_points(sample) * scale
        boxes = to_numpy(sample['gt_instances']['bboxes']).reshape(-1, 4) * np.tile(scale, 2)
        if self.pseudo_size is not None:
            boxes = fill_boxes(points, boxes, self.pseudo_size)
        heads = self.codec.encode(points, boxes, tuple(sample['img_shape'][:2]))
        heads = np.concatenate(list(heads.values())) > 0
        valid = np.ones_like(heads)
        ignored = sample.get('ignored_instances')
        if ignored is not None:
            regions = to_numpy(ignored['bboxes']).reshape(-1, 4) * np.tile(scale, 2)
            for cells in covered_cells(regions, self.codec.stride):
                valid[0][cells] = False
        return heads, valid

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Means over all images."""
        figures = {}
        for name in (f'{name}_on_{where}' for name in self.codec.predicted for where in ('heads', 'background')):
            total, cells = (sum(r[name][i] for r in results) for i in range(2))
            figures[name] = float(total / cells) if cells else float('nan')
        rows = [['', 'on heads', 'on background']]
        for name in self.codec.predicted:
            rows.append([name, *(f'{figures[f"{name}_on_{where}"]:.4f}' for where in ('heads', 'background'))])
        self.report(
            f'instance maps | {len(results)} images', rows, figures, dict(protocol='maps', num_images=len(results))
        )
        return figures
