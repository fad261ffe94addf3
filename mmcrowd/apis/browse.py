"""See what a network sees: the body of ``tools/dataset_tools/browse_dataset.py``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmcrowd.registry import DATASETS
from mmcrowd.utils.files import picture_names
from mmcrowd.utils.pictures import write_image
from mmcrowd.visualization import CrowdLocalVisualizer

from .data_tools.sources import SPLITS


def iterate_split(cfg: Config, split: str, number: int | None = None) -> Iterator[tuple[np.ndarray, DetDataSample]]:
    """Samples of a dataset after its pipeline.

    Args:
        cfg: A config with ``<split>_dataloader``.
        split: 'train', 'val' or 'test'.
        number: How many samples at most; None is all.

    Yields:
        The ``(H, W, 3)`` uint8 RGB image and its data sample. Heads and target maps are in the frame of this image,
        except in a pipeline that resizes before it loads heads (test pipelines may).

    Raises:
        ValueError: Another split, or the config has no loader for it.
    """
    if split not in SPLITS:
        raise ValueError(f'split must be one of {SPLITS}, found {split!r}')
    loader = cfg.get(f'{split}_dataloader')
    if loader is None:
        raise ValueError(f'{cfg.filename}: no {split}_dataloader, expected one to browse the {split} split')
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    dataset = DATASETS.build(loader.dataset)
    for index in range(len(dataset) if number is None else min(number, len(dataset))):
        item = dataset[index]
        image = item['inputs'].permute(1, 2, 0).numpy()[..., ::-1]
        yield np.ascontiguousarray(image), item['data_samples']


def browse_dataset(
    cfg: Config,
    split: str = 'train',
    out_dir: str | Path | None = None,
    number: int | None = None,
    show: bool = False,
) -> list[Path]:
    """Draw the samples of a dataset as the network receives them: image, points, boxes and target maps.

    The captions say the number of heads, and the sum and the largest value of each map.

    Args:
        cfg: A config with ``<split>_dataloader``.
        split: 'train' (augmented), 'val' or 'test'.
        out_dir: Where to write the pictures, ``<number>_<image name>.png``; made if needed. None writes nothing.
        number: How many samples at most; None is all.
        show: Whether to open a window for each.

    Returns:
        The files written.

    Raises:
        ValueError: See :func:`iterate_split`.
        OSError: A picture cannot be written.
    """
    visualizer = CrowdLocalVisualizer()
    written = []
    for index, (image, sample) in enumerate(iterate_split(cfg, split, number)):
        picture = visualizer.draw_datasample(image, sample, draw_pred=False)
        source = sample.metainfo.get('img_path') or 'image'
        name = f'{index:04d}_{picture_names([source], "")[source]}'
        if out_dir is not None:
            path = Path(out_dir) / f'{name}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            write_image(path, picture[..., ::-1])
            written.append(path)
        if show:
            visualizer.show(picture, win_name=name)
    return written
