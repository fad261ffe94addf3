"""A frozen encoder through a whole run: after training and testing it is bit by bit what its file says."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from safetensors.torch import load_file, save_file
from torch import Tensor

from mmcrowd.engine import launch
from mmcrowd.models.backbones import VGG

CHANNELS = (4, 8, 8, 8, 8)
TINY = str(Path(__file__).parents[1] / 'data' / 'tiny_fidt.py')


def write_encoder(path: Path) -> dict[str, Tensor]:
    """Weights of an encoder that has seen images, as a published file has them; returns what the file holds."""
    encoder = VGG(11, channels=CHANNELS, out_indices=(0, 1, 2, 3, 4)).train()
    with torch.no_grad():
        encoder(torch.rand(2, 3, 64, 64))
    save_file(encoder.state_dict(), path)
    return load_file(path)


def write_config(folder: Path, frozen_stages: int) -> str:
    """The tiny FIDT network behind that encoder, with decay, averaged weights and statistics taken anew."""
    cfg = Config.fromfile(TINY)
    cfg.model.backbone = dict(
        type='mmcrowd.VGG',
        depth=11,
        channels=CHANNELS,
        out_indices=(0, 1, 2, 3, 4),
        frozen_stages=frozen_stages,
        init_cfg=dict(type='Pretrained', checkpoint=str(folder / 'encoder.safetensors')),
    )
    cfg.model.bbox_head.codec.stride = 1
    for dataloader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        for step in dataloader.dataset.pipeline:
            if 'codec' in step:
                step.codec.stride = 1
    cfg.optim_wrapper.optimizer.weight_decay = 0.1
    cfg.train_cfg.max_epochs = 1
    cfg.custom_hooks = [
        dict(type='EMAHook', momentum=0.5, update_buffers=True),
        dict(type='mmcrowd.PreciseBN', num_images=4, batch_size=2),
    ]
    cfg.dump(folder / 'config.py')
    return str(folder / 'config.py')


@pytest.mark.parametrize('frozen_stages', [4, 1])
def test_frozen_stages_are_those_of_the_file(tmp_path, monkeypatch, frozen_stages):
    file = write_encoder(tmp_path / 'encoder.safetensors')
    config = write_config(tmp_path, frozen_stages)
    launch.launch_training(config, str(tmp_path / 'run'))
    build, runners = launch.build_runner, []
    monkeypatch.setattr(launch, 'build_runner', lambda cfg: runners.append(build(cfg)) or runners[-1])
    launch.launch_testing(config, str(tmp_path / 'run' / 'epoch_1.pth'), str(tmp_path / 'test'))
    encoder = runners[-1].model.backbone
    frozen = {
        id(v)
        for s in range(frozen_stages + 1)
        for m in encoder.stage_modules(s)
        for v in m.state_dict(keep_vars=True).values()
    }
    state = encoder.state_dict(keep_vars=True)
    assert set(state) == set(file)
    for name, value in state.items():
        assert torch.equal(value, file[name]) == (id(value) in frozen), name
