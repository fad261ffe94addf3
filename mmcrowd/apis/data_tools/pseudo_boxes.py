"""Boxes for heads that have none: the body of ``tools/dataset_tools/make_pseudo_boxes.py``."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData
from mmengine.utils import track_iter_progress

from mmcrowd.codecs.numerics import knn_boxes, sound_boxes
from mmcrowd.datasets.formats import native
from mmcrowd.datasets.formats.collection import AnnotatedImage, Collection
from mmcrowd.models import HeadSizeEstimator
from mmcrowd.utils.pictures import image_size, read_image

from ..inferencer import CrowdInferencer
from .sources import read_samples

BoxMaker = Callable[[str, np.ndarray], np.ndarray]
"""Image path and (N, 2) points in its pixels -> (N, 4) boxes xyxy."""


def nearest_head_boxes(img_path: str, points: np.ndarray) -> np.ndarray:
    """Boxes by the distance to the nearest heads, see :func:`mmcrowd.codecs.numerics.knn_boxes`; at least 2 pixels."""
    width, height = image_size(img_path)
    boxes = knn_boxes(points, (height, width))
    return np.concatenate([np.minimum(boxes[:, :2], points - 1), np.maximum(boxes[:, 2:], points + 1)], axis=1)


class HeadSizer:
    """A trained head-scale network on images with known points.

    Args:
        config: Config of a :class:`mmcrowd.models.HeadSizeEstimator`.
        weights: Its checkpoint.
        device: Such as 'cpu' or 'cuda:0'; None takes the first GPU, or the CPU if there is none.

    Raises:
        FileNotFoundError: The config or the weights are missing.
        ValueError: The config is of another model, or the weights do not fit.
    """

    def __init__(self, config: str | Path | Config, weights: str | Path, device: str | None = None) -> None:
        self._crowd = CrowdInferencer(config, weights, device)
        if not isinstance(self._crowd.model, HeadSizeEstimator):
            raise ValueError(f'{config}: expected a HeadSizeEstimator, found {type(self._crowd.model).__name__}')

    @torch.no_grad()
    def __call__(self, img_path: str, points: np.ndarray) -> np.ndarray:
        """Image path and (N, 2) points in its pixels -> (N, 4) boxes xyxy."""
        data = self._crowd.prepare(read_image(img_path), img_path)
        data['data_samples'].gt_instances = InstanceData(points=torch.as_tensor(points, dtype=torch.float32))
        batch = dict(inputs=[data['inputs']], data_samples=[data['data_samples']])
        return self._crowd.model.test_step(batch)[0].pred_instances.bboxes.cpu().numpy()


def add_pseudo_boxes(
    samples: Iterable[dict], make_boxes: BoxMaker, folder: str | Path, classes: tuple[str, ...] = ('head',)
) -> Collection:
    """Give every head that has no box one; annotated boxes stay.

    Args:
        samples: Samples of a :class:`CrowdDataset`: ``img_path``, ``heads`` (N, 6), ``labels``, ``ignore_boxes``; what
            else JSON can hold is kept.
        make_boxes: Makes the boxes, such as a :class:`HeadSizer`.
        folder: Folder of the images; paths are written relative to it.
        classes: Names of the classes.

    Returns:
        The images with boxes for all heads, unrounded and not clipped to the image, for
        :func:`mmcrowd.datasets.formats.native.write`. Each image says in ``pseudo_boxes`` which of its boxes are none
        of the annotators'.

    Raises:
        ValueError: An image is not in ``folder``.
    """
    images = []
    for sample in samples:
        image = annotated_image(sample, folder)
        unknown = ~sound_boxes(image.boxes)
        if unknown.any():
            image.boxes[unknown] = make_boxes(str(Path(os.path.abspath(sample['img_path']))), image.points)[unknown]
        image.size = image_size(sample['img_path'])
        image.extra['pseudo_boxes'] = np.flatnonzero(unknown).tolist()
        images.append(image)
    return Collection(classes, images)


def annotated_image(sample: dict, folder: str | Path) -> AnnotatedImage:
    """A sample of a :class:`CrowdDataset` as all formats know it, its path relative to ``folder``; see
    :func:`add_pseudo_boxes`. Its size is not looked up."""
    folder, path = Path(os.path.abspath(folder)), Path(os.path.abspath(sample['img_path']))
    if folder not in path.parents:
        raise ValueError(f'{path}: expected an image in {folder}, the folder that paths are written relative to')
    heads = np.asarray(sample['heads'], np.float64).reshape(-1, 6)
    return AnnotatedImage(
        img_path=path.relative_to(folder).as_posix(),
        points=heads[:, :2],
        boxes=heads[:, 2:].copy(),
        labels=np.asarray(sample.get('labels', np.zeros(len(heads))), np.int64),
        ignore_boxes=np.asarray(sample.get('ignore_boxes', np.zeros((0, 4))), np.float64).reshape(-1, 4),
        extra=_other_values(sample),
    )


def write_pseudo_boxes(configs: dict[str, dict], make_boxes: BoxMaker, out_dir: str | Path) -> dict[Path, Collection]:
    """Write one annotation file per data set, showing the progress.

    Args:
        configs: Split -> config, as :func:`mmcrowd.apis.data_tools.dataset_configs` gives them.
        make_boxes: As in :func:`add_pseudo_boxes`.
        out_dir: Gets ``<split>.json``, paths relative to the data set's ``data_root``; made if needed.

    Returns:
        File -> what was written.
    """
    made = {}
    for split, config in configs.items():
        dataset, samples = read_samples(config)
        classes = tuple(dataset.metainfo['classes'])
        boxed = add_pseudo_boxes(track_iter_progress(samples), make_boxes, dataset.data_root, classes)
        made[path := Path(out_dir) / f'{split}.json'] = boxed
        native.write(boxed, path)
        print()  # ends the line of the progress
    return made


def _other_values(sample: dict) -> dict:
    """What a sample says beside its heads, as far as JSON can hold it."""
    others = {}
    for key, value in sample.items():
        if key not in ('img_path', 'heads', 'labels', 'ignore_boxes', 'sample_idx'):
            value = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
            try:
                json.dumps(value)
            except TypeError:
                continue
            others[key] = value
    return others
