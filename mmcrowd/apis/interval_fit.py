"""Intervals of a model on the validation images of its config: the body of ``fit_intervals.py``."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.dataset import ConcatDataset
from rich.progress import track

from mmcrowd.registry import DATASETS
from mmcrowd.utils.weights import file_sha256, load_weights, read_weights

from .inferencer import CrowdInferencer
from .intervals import CountIntervals, fit_intervals


def fit_model_intervals(
    cfg: Config, weights: str | Path, level: float = 0.9, device: str | None = None
) -> CountIntervals:
    """Predict the validation images of a config as a user's images are, and fit intervals on their counts.

    Args:
        cfg: The config of the weights; its ``val_dataloader`` names images that were not trained on.
        weights: File of weights.
        level: Probability asked for.
        device: As of :class:`CrowdInferencer`.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: The config has no validation images, too few for the level, or some of which only a part is
            annotated; or as :class:`CrowdInferencer`.
    """
    if not 0 < level < 1:
        raise ValueError(f'level: expected a number above 0 and below 1, found {level}')
    checkpoint = read_weights(weights)
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', message='CrowdInferencer got no weights')
        crowd = CrowdInferencer(cfg, device=device)  # not with the weights: intervals beside them may be old ones
    load_weights(crowd.model, checkpoint, weights)
    name, images = validation_counts(cfg)
    pred = [crowd.predict(path).count for path, _ in track(images, 'predicting', transient=True)]
    gt = [heads for _, heads in images]
    return fit_intervals(np.array(pred), np.array(gt), name, file_sha256(Path(weights).expanduser()), level)


def validation_counts(cfg: Config) -> tuple[str, list[tuple[str, int]]]:
    """A name of the images of a config's ``val_dataloader``, and each with the number of its annotated heads.

    Raises:
        ValueError: The config has no such images, or some of which only a part is annotated.
    """
    loader = cfg.get('val_dataloader')
    if loader is None:
        raise ValueError(f'{cfg.filename}: no val_dataloader, expected one, for images to fit intervals on')
    dataset = DATASETS.build(dict(loader.dataset, pipeline=[], test_mode=True))
    if isinstance(dataset, ConcatDataset):
        raise ValueError(f'{cfg.filename}: val_dataloader joins several data sets, expected one')
    images = []
    for index in range(len(dataset)):
        sample = dataset.get_data_info(index)
        path = str(sample['img_path'])
        for key in ('ignore_boxes', 'roi_polygon', 'roi_file'):
            if key in sample and len(sample[key]):
                raise ValueError(f'{path}: has {key}, expected images in which all heads are annotated')
        images.append((path, len(sample['heads'])))
    parts = (f'{key} {getattr(dataset, key)}' for key in ('part', 'split', 'subset') if getattr(dataset, key, None))
    return ', '.join([type(dataset).__name__, *parts]), images
