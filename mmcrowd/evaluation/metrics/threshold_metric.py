"""IIM's learnt thresholds on heads and beside them as an mmengine metric."""

import numpy as np

from mmcrowd.registry import CODECS, METRICS

from .base import CrowdMetric, annotated_points, to_numpy


@METRICS.register_module()
class ThresholdMetric(CrowdMetric):
    """Mean confidence and threshold of instance maps, on the regions of heads and on the background.

    The paper's figure 7 in numbers: a threshold map has learnt something where it is lower on heads than beside them.
    Needs ``pred_map`` (``test_cfg.return_maps``). Keys: ``crowd/threshold_on_heads``,
    ``crowd/threshold_on_background``, ``crowd/confidence_on_heads``, ``crowd/confidence_on_background``; means over
    all cells of all images.

    Args:
        codec: The model's :class:`mmcrowd.codecs.InstanceMapCodec`: its regions say what is head.
        **kwargs: See :class:`CrowdMetric`.
    """

    def __init__(self, codec: dict, **kwargs) -> None:
        super().__init__(**kwargs)
        self.codec = CODECS.build(codec)

    def record(self, sample: dict) -> dict:
        """Sums and numbers of cells, on heads and beside them."""
        maps = sample.get('pred_map')
        if maps is None or any(name not in maps for name in self.codec.predicted):
            raise KeyError(
                f'image {sample.get("img_path")}: ThresholdMetric needs the predicted maps {list(self.codec.predicted)}'
                ', set test_cfg.return_maps=True in the model'
            )
        scale = np.asarray(sample.get('scale_factor', (1.0, 1.0)), np.float64)[:2]
        boxes = to_numpy(sample['gt_instances']['bboxes']).reshape(-1, 4) * np.tile(scale, 2)
        heads = self.codec.encode(annotated_points(sample) * scale, boxes, tuple(sample['img_shape'][:2]))
        heads = np.concatenate(list(heads.values())) > 0
        values = {name: to_numpy(maps[name]).astype(np.float64) for name in self.codec.predicted}
        return {
            f'{name}_on_{where}': (value[region].sum(), int(region.sum()))
            for name, value in values.items()
            for where, region in (('heads', heads), ('background', ~heads))
        }

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
