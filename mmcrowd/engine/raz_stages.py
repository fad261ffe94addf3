"""What the stages of RAZ-Net's training hand on: regions to look at again, and the thresholds of its two counts."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log
from mmengine.registry import init_default_scope
from torch import Tensor

from mmcrowd.models import RAZNet
from mmcrowd.models.zooming import grid_of_points
from mmcrowd.registry import DATASETS, MODELS
from mmcrowd.utils.configs import read_config
from mmcrowd.utils.files import printable
from mmcrowd.utils.json_files import write_json
from mmcrowd.utils.weights import file_sha256, load_weights, read_weights, save_weights

_SAVED_EVERY = 25


@torch.no_grad()
def write_regions(config: str | Path | Config, checkpoint: str | Path, out: str | Path, device: str = 'cpu') -> Path:
    """Write which regions of its training images a trained Main-Net would look at again.

    The file is written every few images; a call that was interrupted goes on where the file ends. Regions depend on
    the weights and the images alone.

    Args:
        config: Of Main-Net, with the training images; they are not augmented.
        checkpoint: Weights of Main-Net.
        out: JSON file: ``weights``, the SHA-256 of the checkpoint, and ``regions``: for each image file a list of xyxy,
            pixels of the original, best first. :class:`mmcrowd.CropRegion` reads it.
        device: Where to compute.

    Returns:
        The file.

    Raises:
        ValueError: The config is not that of a RAZNet, or the file was begun with other weights.
    """
    out, weights = Path(out), file_sha256(checkpoint)
    regions = _begun(out, weights)
    model, dataset = _prepared(config, checkpoint, device)
    for done, (name, image, sample) in enumerate(_images(model, dataset, set(regions)), 1):
        shape = tuple(sample.metainfo['img_shape'][:2])
        seen = [(model.look(image, shape).attention, (0, 0), shape)]
        boxes = model.regions(seen, 1, model.attention_head).boxes
        scale = torch.tensor(sample.metainfo.get('scale_factor', (1.0, 1.0))[:2]).repeat(2)
        regions[name] = (boxes / scale).round().long().tolist()
        if done % _SAVED_EVERY == 0:
            write_json(out, dict(weights=weights, regions=regions))
            print_log(f'{out}: {len(regions)} of {len(dataset)} images', 'current', logging.INFO)
    write_json(out, dict(weights=weights, regions=regions))
    return out


@torch.no_grad()
def fit_fusion(config: str | Path | Config, checkpoint: str | Path, out: str | Path, device: str = 'cpu') -> Path:
    """Fit the thresholds of a RAZNet's two counts to its training images, for the depth that its config zooms to.

    The images are predicted as in a test, without augmentation.

    Args:
        config: Of the whole network, with the training images.
        checkpoint: Its weights.
        out: ``.safetensors`` file for the weights with the thresholds.
        device: Where to compute.

    Returns:
        The file.

    Raises:
        ValueError: The config is not that of a RAZNet that fuses, or ``out`` has another ending.
    """
    out = Path(out)
    if out.suffix != '.safetensors':
        raise ValueError(f'{out}: expected a file name that ends in .safetensors')
    model, dataset = _prepared(config, checkpoint, device)
    if model.fusion is None:
        raise ValueError(f'{config}: its RAZNet has no fusion whose thresholds could be fitted')
    depth, cells = model.check_depth(), []
    for done, (_, image, sample) in enumerate(_images(model, dataset), 1):
        shape = tuple(sample.metainfo['img_shape'][:2])
        look = model.look(image, shape)
        heads = model.bbox_head.codec.select(model.zoom(image, shape, look, depth), shape)
        true = grid_of_points(sample.gt_instances.points.to(image.device), shape, model.fusion.grid)
        cells.append(torch.stack([*model.count_cells(look.density, heads.points, shape), true]))
        if done % _SAVED_EVERY == 0:
            print_log(f'{out}: {done} of {len(dataset)} images', 'current', logging.INFO)
    model.fusion.fit(*torch.stack(cells, dim=1), depth)
    return save_weights(out, model.state_dict())


def _begun(out: Path, weights: str) -> dict[str, list]:
    """The regions that an interrupted call has written."""
    if not out.is_file():
        return {}
    try:
        before = json.loads(out.read_text())
        regions = before['regions']
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f'{out}: expected a file of regions to go on with: remove it to begin anew') from error
    if before.get('weights') != weights:
        raise ValueError(f'{out}: its regions are those of other weights: remove it, or write to another file')
    return regions


def _prepared(config: str | Path | Config, checkpoint: str | Path, device: str) -> tuple[RAZNet, BaseDataset]:
    """The trained network, ready to predict, and its training images as in a test."""
    cfg = config if isinstance(config, Config) else read_config(config)
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    model = MODELS.build(cfg.model)
    if not isinstance(model, RAZNet):
        raise ValueError(f'{config}: expected a RAZNet, found {type(model).__name__}')
    load_weights(model, read_weights(checkpoint), checkpoint)
    data = deepcopy(cfg.train_dataloader.dataset)
    data.update(pipeline=cfg.test_dataloader.dataset.pipeline, test_mode=True)
    return model.to(device).eval(), DATASETS.build(data)


def _images(
    model: RAZNet, dataset: BaseDataset, done: set[str] = frozenset()
) -> Iterator[tuple[str, Tensor, DetDataSample]]:
    """Name, normalised image (3, H, W) or raw uint8, and sample of every image that is not done."""
    for index in range(len(dataset)):
        name = printable(dataset.get_data_info(index)['img_path'])
        if name in done:
            continue
        data = dataset[index]
        batch = model.data_preprocessor(dict(inputs=[data['inputs']], data_samples=[data['data_samples']]))
        yield name, batch['inputs'][0], batch['data_samples'][0]
