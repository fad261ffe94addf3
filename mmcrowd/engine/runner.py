"""mmengine's Runner with weights that are data: safely read, and complete unless a training only starts from them."""

from __future__ import annotations

from pathlib import Path, PurePath

from mmengine.dist import broadcast
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import Runner
from mmengine.runner.checkpoint import find_latest_checkpoint
from torch import nn

from mmcrowd.registry import RUNNERS
from mmcrowd.utils.errors import WeightsError
from mmcrowd.utils.pretrained import load_pretrained, without_pretrained
from mmcrowd.utils.weights import check_finite, load_fitting_weights, load_weights, read_weights


@RUNNERS.register_module()
class CrowdRunner(Runner):
    """Trains, validates and tests as mmengine's Runner does, and trusts no checkpoint more than its numbers.

    mmengine falls back to running the code of a file when it refuses to load as data, runs the string
    ``meta['config']`` of a resumed one as Python, removes the path that it names as the best checkpoint, and tests
    weights that do not fit. Here

    * testing, validating and resuming need weights that fit completely; ``load_from`` of a training takes what fits, of
      the backbone too, and says what it left out;
    * ``init_cfg`` of type Pretrained needs every tensor of its module, and is skipped where weights are loaded anyway;
    * of a resumed file only a best checkpoint inside the work dir is taken over.

    Arguments are those of :class:`mmengine.runner.Runner`. In a config: ``runner_type='mmcrowd.CrowdRunner'``.
    """

    _starting = False  # in a training that begins with weights of another
    _resuming = False

    def train(self) -> nn.Module:
        """Train; see :class:`mmengine.runner.Runner`."""
        self._starting = self._load_from is not None and not self._resume
        try:
            return super().train()
        finally:
            self._starting = False

    def resume(self, filename: str, *args, **kwargs) -> None:
        """Take up weights and state of a training.

        Raises:
            WeightsError: The file cannot be used as weights, or its state is not that of such a training.
        """
        self._resuming = True
        try:
            super().resume(filename, *args, **kwargs)
        except WeightsError:
            raise
        except (AssertionError, AttributeError, KeyError, TypeError, ValueError) as error:
            what = ' '.join(f'{type(error).__name__}: {error}'.split())[:200]
            raise WeightsError(
                f'{filename}: its state of the training does not fit ({what}): resume with the config that it was '
                'trained with, or start from its weights by load_from'
            ) from error
        finally:
            self._resuming = False

    def load_checkpoint(
        self, filename: str, map_location: str = 'cpu', strict: bool | None = None, revise_keys: list | None = None
    ) -> dict:
        """Load weights into the model.

        Args:
            filename: File or address, see :func:`mmcrowd.utils.weights.read_weights`.
            map_location: Where other tensors of the file, such as the optimizer's, go.
            strict: Whether all must fit; by default unless a training starts from them.
            revise_keys: Nothing else than None; there for mmengine's signature.

        Returns:
            The checkpoint; its ``state_dict`` is that of the model.

        Raises:
            FileNotFoundError: There is no such file.
            WeightsError: The file cannot be used as weights, does not fit, or is to be resumed and holds no training.
        """
        if revise_keys is not None:
            raise ValueError(f'revise_keys must be None, got {revise_keys}: names are taken as they are')
        checkpoint = read_weights(filename, map_location)
        if self._resuming:
            _check_training(checkpoint, filename, self.work_dir)
        model = _unwrapped(self.model)
        if self._starting if strict is None else not strict:
            self.logger.info(load_fitting_weights(model, checkpoint, filename))
        else:
            load_weights(model, checkpoint, filename)
        # Hooks, such as that of averaged weights, expect weights under the model's names, and may exchange them.
        checkpoint['state_dict'] = {key: value.clone() for key, value in model.state_dict().items()}
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        load_weights(model, checkpoint, filename)
        self._has_loaded = True
        self.logger.info(f'Load checkpoint from {filename}')
        return checkpoint

    def _init_model_weights(self) -> None:
        """Initialize the model; published weights of its parts come last, and only if nothing is loaded over them."""
        model = _unwrapped(self.model)
        with without_pretrained(model) as pretrained:
            super()._init_model_weights()
        if self._load_from is None and not (self._resume and find_latest_checkpoint(self.work_dir)):
            for module, entry in pretrained:
                load_pretrained(
                    module, **{key: entry[key] for key in ('checkpoint', 'prefix', 'sha256') if key in entry}
                )
        for value in model.state_dict().values() if pretrained else ():
            broadcast(value)


def _unwrapped(model: nn.Module) -> nn.Module:
    """The model inside wrappers of parallel training or test-time augmentation."""
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = model.module
    return model


def _check_training(checkpoint: dict, source: str, work_dir: str) -> None:
    """Check that a checkpoint is that of a training, and remove what must not be taken over from a file.

    Raises:
        WeightsError: It holds no training, or numbers that are not finite.
    """
    meta, hub = checkpoint.get('meta'), checkpoint.get('message_hub')
    counters = [meta.get(key) for key in ('epoch', 'iter')] if isinstance(meta, dict) else [None]
    if not all(type(number) is int and number >= 0 for number in counters) or not isinstance(hub, dict):
        raise WeightsError(
            f'{source}: holds weights but no training that could be resumed: start from them by load_from, or resume '
            'one of the epoch_*.pth of the run'
        )
    for part in ('ema_state_dict', 'optimizer'):
        check_finite(checkpoint.get(part), source, part)
    meta.pop('config', None)  # run as Python by mmengine, which writes 'cfg'
    info = hub.get('runtime_info')
    if isinstance(info, dict):
        _keep_own_files(info, Path(work_dir))


def _keep_own_files(info: dict, work_dir: Path) -> None:
    """Remove names of files from the state of a training unless they are the run's own: mmengine will remove them."""
    for key in [key for key in info if str(key).startswith('best_ckpt')]:
        own = work_dir / PurePath(str(info[key])).name
        if own.name.startswith('best_') and own.is_file():
            info[key] = str(own)
        else:
            del info[key]
    if not all(type(number) is int for number in info.get('keep_ckpt_ids', ())):
        del info['keep_ckpt_ids']
