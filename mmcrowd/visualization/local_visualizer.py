"""Visualizer of ground truth and predictions of crowds."""

from __future__ import annotations

import numpy as np
from mmdet.structures import DetDataSample
from mmdet.visualization import DetLocalVisualizer
from mmengine.dist import master_only
from mmengine.structures import PixelData

from mmcrowd.registry import VISUALIZERS
from mmcrowd.structures.heads import Heads, to_numpy
from mmcrowd.utils.pictures import write_image

from .captions import add_strip
from .crowd_picture import draw_compared
from .drawing import POINT_COLOR, WEAK_COLOR, add_caption, draw_boxes, draw_points, magnification, magnify, panels
from .maps import draw_map

_IGNORED_COLOR = (160, 160, 160)


@VISUALIZERS.register_module()
class CrowdLocalVisualizer(DetLocalVisualizer):
    """Draws heads fast enough for 20,000 of them, and works wherever mmdet's visualizer does.

    The picture is one row of panels, each with a caption:

    * With ground truth and predicted points, two (:func:`mmcrowd.visualization.draw_compared`): annotated heads, found
      or missed, beside predicted ones, true or false, with their numbers and F1 under maximum matching within
      ``match_radius``.
    * With one of them alone: points (predictions coloured by score), boxes and the count.
    * A panel per channel of ``gt_map``, ``pred_map`` and every other map ``gt_*`` or ``pred_*``, with the sum and the
      largest value of the map.

    Small or dense images are enlarged by a whole number until the markers can be told apart. mmdet's
    ``DetVisualizationHook`` hides scores up to 0.3 unless it is given ``score_thr=0.0``.

    Args:
        name: Name of the instance.
        match_radius: Largest distance of a prediction from its head, original pixels.
        with_boxes: Whether boxes are drawn where ground truth or prediction stands alone; unknown boxes never are.
        with_maps: Whether maps are drawn.
        enlarge: Factor of enlargement; None chooses it.
        kwargs: As :class:`mmdet.visualization.DetLocalVisualizer`.

    Examples:
        >>> visualizer = CrowdLocalVisualizer(match_radius=4)
        >>> visualizer.add_datasample('street', image, data_sample, out_file='street.png')
    """

    def __init__(
        self,
        name: str = 'visualizer',
        *,
        match_radius: float = 8.0,
        with_boxes: bool = True,
        with_maps: bool = True,
        enlarge: int | None = None,
        **kwargs,
    ) -> None:
        super().__init__(name, **kwargs)
        if not match_radius > 0:
            raise ValueError(f'match_radius must be a positive number of pixels, found {match_radius}')
        self.match_radius = match_radius
        self.with_boxes = with_boxes
        self.with_maps = with_maps
        self.enlarge = enlarge

    @master_only
    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: DetDataSample | None = None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0,
        out_file: str | None = None,
        pred_score_thr: float = 0.0,
        step: int = 0,
    ) -> None:
        """Draw a sample, then show it, write it to a file or hand it to the backends.

        Args:
            name: Identifier of the image.
            image: ``(H, W, 3)`` RGB, the original image.
            data_sample: Annotations and predictions in pixels of ``image``.
            draw_gt: Whether to draw ground truth, if there is any.
            draw_pred: Whether to draw predictions, if there are any.
            show: Whether to open a window.
            wait_time: Seconds the window stays; 0 is until a key is pressed.
            out_file: Where to write the picture; None gives it to the backends.
            pred_score_thr: Predictions below it are left out of the picture and of its count.
            step: Global step of the record.
        """
        drawn = self.draw_datasample(image, data_sample, draw_gt, draw_pred, pred_score_thr)
        self.set_image(drawn)
        if show:
            self.show(drawn, win_name=name, wait_time=wait_time)
        if out_file is not None:
            write_image(out_file, drawn[..., ::-1])
        else:
            self.add_image(name, drawn, step)

    def draw_datasample(
        self,
        image: np.ndarray,
        data_sample: DetDataSample | None = None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        pred_score_thr: float = 0.0,
    ) -> np.ndarray:
        """Draw a sample without showing or storing it. Arguments as in :meth:`add_datasample`.

        Returns:
            ``(H', W', 3)`` uint8 RGB.
        """
        image = np.ascontiguousarray(image.clip(0, 255).astype(np.uint8))
        if data_sample is None:
            return image
        gt = Heads.read(data_sample.get('gt_instances')) if draw_gt else None
        pred = Heads.read(data_sample.get('pred_instances')) if draw_pred else None
        if pred is not None and pred.scores is not None:
            pred = pred.select(pred.scores >= pred_score_thr)
        count = data_sample.get('pred_count') if draw_pred else None
        ignored = Heads.read(data_sample.get('ignored_instances')) if draw_gt else None

        points = np.concatenate([heads.points for heads in (gt, pred) if heads is not None] or [np.zeros((0, 2))])
        factor = self.enlarge or magnification(points, image.shape)
        scene = magnify(image, factor)
        if ignored is not None:
            scene = draw_boxes(scene, ignored.boxes * factor, _IGNORED_COLOR)
        row = self._scenes(scene, factor, gt, pred, count, image.shape)
        for field, maps in sorted(data_sample.items()):
            whose = {'gt': 'target', 'pred': 'predicted'}.get(field.split('_')[0])
            if (
                self.with_maps
                and whose
                and isinstance(maps, PixelData)
                and (draw_gt if whose == 'target' else draw_pred)
            ):
                row += self._maps(image, factor, maps, whose)
        return panels(row)

    def _scenes(self, scene, factor, gt, pred, count, shape) -> list[np.ndarray]:
        """The panels with the heads. ``scene`` is the image enlarged by ``factor``, ``shape`` that of the original."""
        size = f'{shape[1]} x {shape[0]} px'
        number = '' if pred is None else f'{len(pred):,}'
        if count is not None:
            number = f'{float(count):,.1f}'
        if gt is not None and pred is not None:
            return draw_compared(scene, gt.points, pred.points, self.match_radius, factor, number)
        if gt is not None:
            text = f'{len(gt):,} annotated' + (f', {number} predicted' if number else '')
            return [add_caption(self._heads(scene, gt, factor), f'{text}\n{size}')]
        if pred is not None:
            rows = [[(None, f'{number} predicted')], [(None, size)]]
            if pred.scores is not None:
                rows[1] += [(('dot', WEAK_COLOR), 'score 0'), (('dot', POINT_COLOR), 'score 1')]
            return [add_strip(self._heads(scene, pred, factor), rows)]
        return [add_caption(scene, (f'{number} predicted\n' if number else '') + size)]

    def _heads(self, scene: np.ndarray, heads: Heads, factor: int) -> np.ndarray:
        if self.with_boxes:
            scene = draw_boxes(scene, heads.boxes * factor)
        return draw_points(scene, heads.points * factor, scores=heads.scores)

    @staticmethod
    def _maps(image: np.ndarray, factor: int, maps: PixelData, whose: str) -> list[np.ndarray]:
        row = []
        for name, value in maps.items():
            value = to_numpy(value).astype(np.float32)
            value = value[None] if value.ndim == 2 else value
            for number, channel in enumerate(value):
                title = f'{whose} {name}' + (f' {number}' if len(value) > 1 else '')
                numbers = f'sum {channel.sum(dtype=np.float64):,.1f}, max {channel.max(initial=-np.inf):.3g}'
                panel = magnify(draw_map(image, channel, alpha=1), factor, smooth=False)
                row.append(add_caption(panel, f'{title}\n{numbers}'))
        return row
