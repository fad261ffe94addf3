"""Running statistics of batch normalization, taken anew from training images."""

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext

import torch
from mmengine.dist import all_reduce, get_rank, get_world_size
from mmengine.hooks import CheckpointHook, EMAHook, Hook
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import DataLoader

from mmcrowd.datasets.crowd_dataset import seeded
from mmcrowd.datasets.samplers import SeededIndex, sample_seed
from mmcrowd.registry import HOOKS


@HOOKS.register_module()
class PreciseBN(Hook):
    """Estimate the running statistics of batch normalization anew, before every save and every validation.

    Training keeps a moving average over small batches of weights that change meanwhile. Here fixed weights see
    ``num_images`` training images, and mean and variance are those of all their values together (Wu and Johnson,
    "Rethinking 'Batch' in BatchNorm", section 3). Training itself does not notice: it normalizes with the statistics of
    its batches, and no random state is left changed.

    * Images and augmentation depend on the seed of the run alone, so a resumed run finds the same statistics.
    * The batches are the same under any number of processes, which share them out and add their sums in float64.
    * With an ``EMAHook`` the averaged weights get statistics of their own: they are the ones validated and deployed.
    * A layer that keeps its statistics in training (eval mode) or whose weights are frozen is left alone. All other
      modules run as in testing: no dropout.

    Args:
        num_images: Training images, rounded up to whole batches; those of a smaller data set are drawn again, with
            another augmentation.
        batch_size: Images normalized together by one process.

    Raises:
        ValueError: If ``num_images`` or ``batch_size`` is below 1.
    """

    priority = 'LOW'  # behind EMAHook (NORMAL), before the hook that saves (VERY_LOW)

    def __init__(self, num_images: int = 256, batch_size: int = 16) -> None:
        if num_images < 1 or batch_size < 1:
            raise ValueError(f'PreciseBN: needs images, found num_images={num_images}, batch_size={batch_size}')
        self.num_images, self.batch_size = num_images, batch_size
        self._fresh = True  # weights from a file come with their statistics

    def before_train(self, runner: Runner) -> None:
        """Say so if there is nothing to do."""
        if not _trained_layers(_unwrapped(runner.model)):
            runner.logger.warning('PreciseBN: no batch normalization of this model trains its running statistics')

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: dict | None = None
    ) -> None:
        """The weights have changed; a checkpoint may be due at this iteration."""
        self._fresh = False
        if any(
            hook.every_n_train_iters(runner, hook.interval, hook.save_begin)
            or (hook.save_last and hook.is_last_train_iter(runner))
            for hook in _checkpoint_hooks(runner, by_epoch=False)
        ):
            self._update(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        """A checkpoint may be due at this epoch."""
        if any(
            hook.every_n_epochs(runner, hook.interval, hook.save_begin)
            or (hook.save_last and hook.is_last_train_epoch(runner))
            for hook in _checkpoint_hooks(runner, by_epoch=True)
        ):
            self._update(runner)

    def before_val(self, runner: Runner) -> None:
        """Before EMAHook exchanges the weights, which it does in ``before_val_epoch``."""
        self._update(runner)

    def _update(self, runner: Runner) -> None:
        if self._fresh:
            return
        self._fresh = True
        start = time.perf_counter()
        model = _unwrapped(runner.model)
        names = _trained_layers(model)
        if not names:
            return
        measured, *copies = _deployed(runner, model)
        layers = {name: BatchNormSums(measured.get_submodule(name)) for name in names}
        self._measure(runner, measured, layers.values())
        BatchNormSums.add_processes(layers.values())
        for name, layer in layers.items():
            for target in (measured, *copies):
                layer.write(target.get_submodule(name))
        unseen = [name for name, layer in layers.items() if layer.sums[0] == 0]
        if unseen:
            runner.logger.warning(f'PreciseBN: no image reaches {", ".join(unseen)}; their statistics stay')
        runner.logger.info(
            f'PreciseBN: statistics of {len(layers) - len(unseen)} layers from {self._num_batches * self.batch_size} '
            f'training images in {time.perf_counter() - start:.1f} s'
        )

    @property
    def _num_batches(self) -> int:
        return -(-self.num_images // self.batch_size)

    @torch.no_grad()
    def _measure(self, runner: Runner, model: nn.Module, layers: Iterable['BatchNormSums']) -> None:
        """Let this process's share of the batches pass through the layers."""
        wrapper = runner.optim_wrapper
        precision = wrapper.optim_context(model) if isinstance(wrapper, OptimWrapper) else nullcontext()
        with ExitStack() as stack:
            stack.enter_context(seeded(sample_seed(runner.seed, -1, get_rank())))
            stack.enter_context(_modes_kept(model))
            stack.enter_context(precision)
            model.eval()
            for layer in layers:
                stack.enter_context(layer.in_place())
            for data in self._loader(runner):
                model(**model.data_preprocessor(data, training=True), mode='tensor')

    def _loader(self, runner: Runner) -> DataLoader:
        training = runner.train_dataloader
        length = len(training.dataset)
        generator = torch.Generator().manual_seed(sample_seed(runner.seed, -1, 0))
        order = torch.randperm(length, generator=generator).tolist()
        size = self.batch_size
        indices = [
            SeededIndex(order[i % length], sample_seed(runner.seed, -1, i)) for i in range(self._num_batches * size)
        ]
        batches = [indices[i : i + size] for i in range(0, len(indices), size)]
        return DataLoader(
            training.dataset,
            batch_sampler=batches[get_rank() :: get_world_size()],
            num_workers=training.num_workers,
            collate_fn=training.collate_fn,
            worker_init_fn=training.worker_init_fn,
            multiprocessing_context=training.multiprocessing_context,
        )


class BatchNormSums:
    """What passes through one layer of batch normalization: number of values, their sum, sum of squares.

    Args:
        layer: The layer. It is not changed but by :meth:`write`.
    """

    def __init__(self, layer: _BatchNorm) -> None:
        self.layer = layer
        self.sums = torch.zeros(1 + 2 * layer.num_features, dtype=torch.float64)  # (1 + 2 C,): number, sums, squares

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Inside the block the layer normalizes with the statistics of its batch (of this process), and they add up."""
        self.layer.forward = self._normalize
        try:
            yield
        finally:
            del self.layer.forward

    def _normalize(self, x: Tensor) -> Tensor:
        layer = self.layer
        mean, var = torch.zeros_like(layer.running_mean), torch.zeros_like(layer.running_var)
        y = F.batch_norm(x, mean, var, layer.weight, layer.bias, training=True, momentum=1.0, eps=layer.eps)
        n = x.numel() // x.shape[1]
        mean, var = mean.double().cpu(), var.double().cpu() * (n - 1) / n
        self.sums += torch.cat([mean.new_tensor([n]), n * mean, n * (var + mean.square())])
        return y

    @staticmethod
    def add_processes(layers: Iterable['BatchNormSums']) -> None:
        """Replace the sums of each process by those of all, in one exchange."""
        layers = list(layers)
        flat = torch.cat([layer.sums for layer in layers])
        all_reduce(flat)
        for layer, sums in zip(layers, flat.split([len(layer.sums) for layer in layers]), strict=True):
            layer.sums = sums

    def write(self, layer: _BatchNorm) -> None:
        """Give ``layer`` the mean and the unbiased variance of all values, if there were any."""
        n, total, squares = self.sums.split([1, layer.num_features, layer.num_features])
        if n > 0:
            mean = total / n
            layer.running_mean.copy_(mean)
            layer.running_var.copy_((squares / n - mean.square()).clamp(min=0) * n / (n - 1))


def _unwrapped(model: nn.Module) -> nn.Module:
    return model.module if is_model_wrapper(model) else model


def _checkpoint_hooks(runner: Runner, by_epoch: bool) -> list[CheckpointHook]:
    return [hook for hook in runner.hooks if isinstance(hook, CheckpointHook) and hook.by_epoch == by_epoch]


def _deployed(runner: Runner, model: nn.Module) -> list[nn.Module]:
    """The module with the weights that are validated and saved, then the others that lend it their buffers."""
    for hook in runner.hooks:
        if isinstance(hook, EMAHook):
            # Without update_buffers a validation takes the parameters of the average and the model's own buffers.
            return [hook.ema_model.module] if hook.ema_model.update_buffers else [hook.ema_model.module, model]
    return [model]


def _trained_layers(model: nn.Module) -> list[str]:
    """Names of the layers whose running statistics are trained: in training mode, and not with frozen weights."""
    with _modes_kept(model):
        model.train()
        return [
            name
            for name, layer in model.named_modules()
            if isinstance(layer, _BatchNorm)
            and layer.training
            and layer.running_mean is not None
            and (not layer.affine or any(p.requires_grad for p in layer.parameters()))
        ]


@contextmanager
def _modes_kept(model: nn.Module) -> Iterator[None]:
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
