"""The stages of RAZ-Net's training, one after the other."""

from __future__ import annotations

import logging
from pathlib import Path

from mmengine.logging import print_log

from mmcrowd.models.zooming import joined_weights, zoom_net_weights
from mmcrowd.utils.configs import read_config
from mmcrowd.utils.weights import read_weights, save_weights

from .hooks.checkpoint_hook import find_resume_checkpoint
from .launch import launch_testing, launch_training
from .raz_stages import fit_fusion, write_regions

STAGES = ('1-counting', '2-localization', '3-zooming', '4-zoom-net')


def train_raz_net(
    config: str | Path, work_dir: str | Path, cfg_options: dict | None = None, device: str = 'cpu'
) -> dict[str, float]:
    """Train Main-Net branch by branch, then the network that looks again on the regions it proposes; fit, and test.

    What a step has finished is kept in a file of its own, and a call that was interrupted goes on behind the last of
    them, within a training at its newest checkpoint.

    Args:
        config: Of the whole network, such as ``configs/raz/raz-net_vgg16_sha.py``; the stages are the files beside it
            whose names go on with ``_1-counting`` and so on.
        work_dir: Folder of everything: a folder per stage, ``main_net.safetensors``, ``regions.json``,
            ``raz_net.safetensors`` and ``test/``.
        cfg_options: Written over the config of every stage.
        device: Where regions are proposed and thresholds fitted.

    Returns:
        Metrics of the test.

    Raises:
        FileNotFoundError: The config of a stage is missing.
        ValueError: The last stage does not train on regions.
    """
    config, folder, options = Path(config), Path(work_dir), cfg_options or {}
    configs = [config.with_name(f'{config.stem}_{stage}.py') for stage in STAGES]
    for path in configs:
        if not path.is_file():
            raise FileNotFoundError(f'{path}: the config of this stage is missing')
    main_net = None
    for path, stage in zip(configs[:3], STAGES, strict=False):
        main_net = _train(path, folder / stage, main_net, options)
    regions = folder / 'regions.json'
    if not (folder / STAGES[3] / 'done.safetensors').is_file():
        write_regions(str(configs[2]), main_net, regions, device)
        start = save_weights(
            folder / 'zoom_net_start.safetensors', zoom_net_weights(read_weights(main_net)['state_dict'])
        )
        zoom_net = _train(configs[3], folder / STAGES[3], start, {**options, _regions_key(configs[3]): str(regions)})
    else:
        zoom_net = folder / STAGES[3] / 'done.safetensors'
    fitted = folder / 'raz_net.safetensors'
    if not fitted.is_file():
        states = (read_weights(path)['state_dict'] for path in (main_net, zoom_net))
        joined = save_weights(folder / 'joined.safetensors', joined_weights(*states))
        fit_fusion(str(config), joined, fitted, device)
    return launch_testing(str(config), str(fitted), str(folder / 'test'), cfg_options=options)


def _train(config: Path, folder: Path, start: Path | None, options: dict) -> Path:
    """Train a stage unless it is done, from the weights ``start`` or its own newest checkpoint; returns its weights."""
    done = folder / 'done.safetensors'
    if done.is_file():
        print_log(f'{folder}: this stage is done', 'current', logging.INFO)
        return done
    if find_resume_checkpoint(folder) is None:
        given = {} if start is None else dict(load_from=str(start))
        launch_training(str(config), str(folder), cfg_options={**options, **given})
    else:
        launch_training(str(config), str(folder), resume='auto', cfg_options=options)
    return save_weights(done, read_weights(find_resume_checkpoint(folder))['state_dict'])


def _regions_key(config: Path) -> str:
    """Where the config of the last stage names the file of the regions."""
    for index, step in enumerate(read_config(config).train_dataloader.dataset.pipeline):
        if step['type'] == 'mmcrowd.CropRegion':
            return f'train_dataloader.dataset.pipeline.{index}.regions'
    raise ValueError(f'{config}: expected mmcrowd.CropRegion in the pipeline of its training images')
