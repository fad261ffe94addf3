"""What all crowd metrics share: reading data samples, gathering images from all processes, writing results."""

import json
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import broadcast_object_list, collect_results, get_world_size, is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from terminaltables import AsciiTable

from mmcrowd.structures.heads import Heads, to_numpy
from mmcrowd.utils.json_files import write_json

from ..functional.game import density_cells


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
        self.protocol: dict = {}  # how the last figures were made, in the first process

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
        """Log one table, keep the protocol, and write the JSON file if one was asked for.

        Args:
            title: Protocol, threshold, number of images in a line.
            rows: Table, header first.
            figures: Flat results.
            protocol: How they were made.
        """
        self.protocol = protocol
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


def predicted_heads(sample: dict) -> Heads | None:
    """Predicted heads of a data sample, original pixels; None of a model that counts without points."""
    return Heads.read(sample.get('pred_instances'))


def predicted_points(sample: dict) -> tuple[np.ndarray, np.ndarray]:
    """Predicted points and scores of a data sample; a detector without points gives its box centres.

    Returns:
        (M, 2) float64 xy, original pixels; (M,) float64 scores, 1 where the model gives none.

    Raises:
        KeyError: The model gave no points.
    """
    heads = predicted_heads(sample)
    if heads is None:
        given = 'a count without points' if 'pred_count' in sample else 'neither points nor boxes in pred_instances'
        raise KeyError(f'image {sample.get("img_path")}: the model gave {given}, and this metric needs points')
    return heads.points, np.ones(len(heads)) if heads.scores is None else heads.scores


def refuse_count_only(owner: object, counts: Sequence[float | None], num_points: int) -> None:
    """Tell a model that only counts from one that found nothing, where it wrote empty instances.

    Args:
        owner: The metric, for the message.
        counts: What the model counted in each image, None where it has no count of its own.
        num_points: Its points in all images.

    Raises:
        ValueError: All images have a count of the model, these are not all zero, and there is not a single point.
    """
    if num_points == 0 and None not in counts and sum(map(abs, counts)) >= 0.5:
        raise ValueError(
            f'{type(owner).__name__}: the model counts {sum(counts):.1f} heads in {len(counts)} images but gives no '
            'points: it counts only. Evaluate it by CrowdCountingMetric and GAMEMetric'
        )


def annotated_points(sample: dict) -> np.ndarray:
    """Annotated heads of a data sample, (N, 2) float64 xy, original pixels."""
    instances = sample.get('gt_instances')
    if instances is None or 'points' not in instances:
        raise KeyError(f'image {sample.get("img_path")}: no gt_instances.points, does the pipeline load annotations?')
    return to_numpy(instances['points']).astype(np.float64).reshape(-1, 2)


def predicted_density(sample: dict) -> tuple[np.ndarray, tuple[float, float] | None] | None:
    """Density map of a data sample, (h, w), and the height and width that it covers in original pixels.

    None of a sample without ``pred_map.density``; the extent is None where the map does not say.

    Raises:
        ValueError: The map has several channels.
    """
    maps = sample.get('pred_map')
    density = None if maps is None else maps.get('density', maps.get('data'))
    if density is None:
        return None
    density = to_numpy(density)
    if density.ndim != 2 and density.shape[0] != 1:
        raise ValueError(
            f'image {sample.get("img_path")}: expected a density map of one channel, found shape {density.shape}'
        )
    return density.reshape(density.shape[-2:]), maps.get('extent')


def predicted_cells(sample: dict, level: int) -> np.ndarray | None:
    """Density of a data sample in 2^level x 2^level cells, inside its ``roi`` if it has one; None without a density."""
    found = predicted_density(sample)
    if found is None:
        return None
    density, extent = found
    return density_cells(density, tuple(sample['ori_shape'][:2]), level, region_of_interest(sample), extent)


def sample_count(sample: dict, name: str = 'pred_count') -> float | None:
    """The field ``name`` of a data sample, a count of the whole image; None of a sample without it."""
    count = sample.get(name)
    return None if count is None else float(to_numpy(count).reshape(()))


def predicted_count(sample: dict, name: str = 'pred_count') -> float | None:
    """The count of a model with a way of its own to count, None of others.

    Args:
        sample: Data sample. With a region of interest ``roi`` its density inside it is what counts.
        name: Field of the count.

    Raises:
        ValueError: There is a region of interest, and the sample has no density that the count is the sum of.
    """
    count = sample_count(sample, name)
    if count is None:
        return None
    if region_of_interest(sample) is None:
        return count
    found = predicted_density(sample)
    if found is None or abs(found[0].sum(dtype=np.float64) - count) > 1e-2 + 1e-3 * abs(count):
        raise ValueError(
            f'image {sample.get("img_path")}: it has a region of interest, but {name} {count:g} is the sum of no '
            'density in pred_map, so that it cannot be restricted to the region: count by points, '
            "CrowdCountingMetric(count='points'), or blank the image outside by MaskOutsideRoi and take the region out "
            'of the meta keys'
        )
    return float(predicted_cells(sample, 0).sum())
