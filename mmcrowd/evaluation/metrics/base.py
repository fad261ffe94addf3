"""What all crowd metrics share: reading data samples, gathering images from all processes, writing results."""

import json
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import broadcast_object_list, collect_results, get_world_size, is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from terminaltables import AsciiTable

from mmcrowd.utils.json_files import write_json


def to_numpy(value: Any) -> np.ndarray:
    """Tensor, box object or array to a numpy array on the CPU."""
    value = getattr(value, 'tensor', value)
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)


class CrowdMetric(BaseMetric):
    """Base of the crowd metrics.

    Every process keeps one small record per image; records are gathered from all processes without truncation, so
    shards may be uneven, and images that a sampler repeated to pad a shard count once (by ``img_id`` and ``img_path``).

    Args:
        out: JSON file to write the results to, as one object with the protocol beside the figures.
        collect_device: ``cpu`` or ``gpu``, where records are gathered.
        prefix: First part of the keys, ``crowd`` by default.
        collect_dir: Directory through which processes exchange records.
    """

    default_prefix = 'crowd'

    def __init__(
        self,
        out: str | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix, collect_dir=collect_dir)
        self.out = out

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep a record of each image; the fields are those of :meth:`record`."""
        for sample in data_samples:
            if 'img_id' not in sample:
                raise KeyError(f'{type(self).__name__}: a data sample has no img_id, add it to the meta keys')
            key = (str(sample['img_id']), str(sample.get('img_path', '')))
            self.results.append(dict(self.record(sample), key=key))

    @abstractmethod
    def record(self, sample: dict) -> dict:
        """What to keep of one data sample."""

    def evaluate(self, size: int) -> dict[str, float]:
        """Gather the records of all processes and compute the figures; ``size`` is the length of the dataset."""
        shards = collect_results([self.results], get_world_size(), self.collect_device, *self._exchange())
        figures: list[dict | None] = [None]
        if is_main_process():
            images = {record['key']: record for shard in shards for record in shard}
            if len(images) != size:
                MMLogger.get_current_instance().warning(
                    f'{type(self).__name__}: the dataset has {size} images, {len(images)} distinct ones were evaluated'
                )
            results = self.compute_metrics([images[key] for key in sorted(images)])
            figures = [{f'{self.prefix}/{name}' if self.prefix else name: value for name, value in results.items()}]
        broadcast_object_list(figures)
        self.results.clear()
        return figures[0]

    def _exchange(self) -> tuple:
        return (self.collect_dir,) if self.collect_device == 'cpu' else ()

    def report(self, title: str, rows: Sequence[Sequence[object]], figures: dict, protocol: dict) -> None:
        """Log one table and write the JSON file if one was asked for.

        Args:
            title: Protocol, threshold, number of images in a line.
            rows: Table, header first.
            figures: Flat results.
            protocol: How they were made.
        """
        table = AsciiTable([list(map(str, row)) for row in rows])
        MMLogger.get_current_instance().info(f'\n{title}\n{table.table}')
        if self.out:
            write_json(self.out, dict(protocol=protocol, figures=figures))


class ScoreThreshold:
    """The lowest score that is evaluated: a number, or a JSON file in which a metric stored the best one.

    The file is read when the threshold is first needed, so a test in the same run can use what validation found.

    Args:
        source: Number, or path of a file written by ``save_thr`` of a metric.
    """

    def __init__(self, source: float | str) -> None:
        self._source = source
        self._stored: dict | None = None

    @property
    def value(self) -> float:
        """The threshold."""
        return float(self._read()['threshold']) if isinstance(self._source, str) else float(self._source)

    def __str__(self) -> str:
        text = f'score >= {self.value:g}'
        if isinstance(self._source, str):
            stored = self._read()
            text += f' (best {stored["criterion"]} of {stored["num_images"]} images, read from {self._source})'
        return text

    def reset(self) -> None:
        """Forget a threshold read from a file, which may have been written anew."""
        self._stored = None

    def _read(self) -> dict:
        if self._stored is None:
            path = Path(self._source)
            if not path.is_file():
                raise FileNotFoundError(f'score_thr: no file {path}; write it by a validation with save_thr={path}')
            stored = json.loads(path.read_text())
            lacking = {'threshold', 'criterion', 'num_images'} - set(stored)
            if lacking:
                raise ValueError(f'score_thr: {path} was not written by save_thr, it lacks {sorted(lacking)}')
            self._stored = stored
        return self._stored


def interval_figures(figures: dict[str, float], intervals: dict[str, tuple[float, float]]) -> dict[str, float]:
    """Flat keys ``<name>_ci_low`` and ``<name>_ci_high`` for the intervals of figures."""
    return {
        f'{name}_ci_{end}': value
        for name in intervals
        if name in figures
        for end, value in zip(('low', 'high'), intervals[name], strict=True)
    }


def region_of_interest(sample: dict) -> np.ndarray | None:
    """``roi`` of a data sample as (H, W) bool at original size, None if it has none."""
    roi = sample.get('roi')
    return None if roi is None else to_numpy(roi).astype(bool)


def inside(points: np.ndarray, roi: np.ndarray | None) -> np.ndarray:
    """(N,) bool, whether the pixel of each point (the nearest one for points outside the image) is in the region.

    Without a region all points are inside.
    """
    if roi is None:
        return np.ones(len(points), bool)
    column, row = np.floor(points).astype(np.int64).reshape(-1, 2).T
    return roi[np.clip(row, 0, roi.shape[0] - 1), np.clip(column, 0, roi.shape[1] - 1)]


def predicted_points(sample: dict) -> tuple[np.ndarray, np.ndarray]:
    """Predicted points and scores of a data sample; a detector without points gives its box centres.

    Returns:
        (M, 2) float64 xy, original pixels; (M,) float64 scores, 1 where the model gives none.
    """
    instances = sample.get('pred_instances')
    if instances is None:
        raise KeyError(f'image {sample.get("img_path")}: the model gave no pred_instances, so there are no points')
    if 'points' in instances:
        points = to_numpy(instances['points']).astype(np.float64).reshape(-1, 2)
    else:
        boxes = to_numpy(instances['bboxes']).astype(np.float64).reshape(-1, 4)
        points = (boxes[:, :2] + boxes[:, 2:]) / 2
    scores = instances.get('scores')
    return points, np.ones(len(points)) if scores is None else to_numpy(scores).astype(np.float64).reshape(-1)


def annotated_points(sample: dict) -> np.ndarray:
    """Annotated heads of a data sample, (N, 2) float64 xy, original pixels."""
    instances = sample.get('gt_instances')
    if instances is None or 'points' not in instances:
        raise KeyError(f'image {sample.get("img_path")}: no gt_instances.points, does the pipeline load annotations?')
    return to_numpy(instances['points']).astype(np.float64).reshape(-1, 2)


def predicted_count(sample: dict) -> float | None:
    """``pred_count`` of a model that counts without points, None for others."""
    count = sample.get('pred_count')
    return None if count is None else float(to_numpy(count).reshape(()))
