"""Mixed precision in bfloat16, on CPU and on GPU."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmcrowd.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class AutocastOptimWrapper(OptimWrapper):
    """Run the forward pass and the loss under autocast to bfloat16.

    bfloat16 has the exponent range of float32, so no gradient scaler is needed and the wrapper works on any device;
    mmengine's ``AmpOptimWrapper`` insists on a GPU. Weights, gradients and the optimizer's state stay float32.

    Args:
        dtype: ``'bfloat16'``. float16 is refused: without a scaler its gradients underflow (``AmpOptimWrapper``).
        kwargs: Of :class:`mmengine.optim.OptimWrapper`: optimizer, clip_grad, accumulative_counts.

    Raises:
        ValueError: If ``dtype`` is not ``'bfloat16'``.
    """

    def __init__(self, dtype: str = 'bfloat16', **kwargs) -> None:
        if dtype != 'bfloat16':
            raise ValueError(
                f"AutocastOptimWrapper runs in 'bfloat16' only, found dtype={dtype!r}; "
                'float16 needs the gradient scaler of AmpOptimWrapper'
            )
        super().__init__(**kwargs)
        self.dtype = torch.bfloat16

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Context of one training step: autocast on the device of the model, and mmengine's gradient accumulation."""
        device = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(device, dtype=self.dtype):
            yield
