"""Stop at the first loss that is not a number."""

import math
from collections.abc import Iterable

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from mmcrowd.registry import HOOKS


@HOOKS.register_module()
class NonFiniteLossHook(Hook):
    """Stop the run when a loss is NaN or infinite, and name the images of the batch.

    Every iteration is checked, before EMA, logger and checkpoint hooks see its weights; with several processes all of
    them stop together. A checkpoint with a NaN or infinite weight is refused as well: a finite loss can have a broken
    gradient.
    """

    priority = 'VERY_HIGH'

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: dict | None = None
    ) -> None:
        """Check the losses of one iteration.

        Args:
            runner: The runner.
            batch_idx: Index of the batch in the epoch.
            data_batch: What the data loader gave: ``data_samples`` name the images.
            outputs: Losses by name, scalar tensors or lists of them.

        Raises:
            FloatingPointError: If a loss of any process is not finite.
        """
        bad = {name: value for name, value in _scalars(outputs) if not math.isfinite(value)}
        if get_world_size() > 1:
            flag = torch.tensor(float(bool(bad)), device=_device(outputs))
            all_reduce(flag, op='max')
            if flag.item() and not bad:
                raise FloatingPointError(
                    f'a loss of another process is not finite ({_position(runner)}); its message names the images'
                )
        if bad:
            losses = ', '.join(f'{name}={value}' for name, value in bad.items())
            raise FloatingPointError(
                f'the loss is not finite: {losses} ({_position(runner)}); '
                f'images of the batch: {", ".join(_image_names(data_batch)) or "unknown"}'
            )

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse to save weights that are not finite.

        Raises:
            FloatingPointError: Naming the first tensor with a NaN or infinite value.
        """
        for name, value in checkpoint['state_dict'].items():
            if value.is_floating_point() and not torch.isfinite(value).all():
                raise FloatingPointError(
                    f'{name} holds values that are not finite ({_position(runner)}); no checkpoint was written'
                )


def _position(runner: Runner) -> str:
    return f'epoch {runner.epoch + 1}, iteration {runner.iter + 1}'


def _scalars(outputs: dict | None) -> Iterable[tuple[str, float]]:
    for name, value in (outputs or {}).items():
        values = value if isinstance(value, (list, tuple)) else [value]
        total = sum(v.detach().float().sum() if isinstance(v, Tensor) else v for v in values)
        yield name, float(total)


def _device(outputs: dict | None) -> torch.device:
    return next((v.device for v in (outputs or {}).values() if isinstance(v, Tensor)), torch.device('cpu'))


def _image_names(data_batch: dict | None) -> list[str]:
    samples = data_batch.get('data_samples', []) if isinstance(data_batch, dict) else []
    return [str(s.metainfo.get('img_path') or s.metainfo.get('img_id', 'unnamed')) for s in samples]
