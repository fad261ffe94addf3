"""Multiply-adds and parameters of a model, part by part: the body of ``get_flops.py``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from mmengine.analysis import FlopAnalyzer

from .inferencer import CrowdInferencer


@dataclass(frozen=True)
class Complexity:
    """What a network computes for one image.

    Attributes:
        width: Of the network's input, pixels, padding included.
        height: Of the network's input, pixels, padding included.
        parts: (multiply-adds, parameters) of the network's parts by name, in their order.
        uncounted: Operations of other libraries that have no rule, by how often they are called.
    """

    width: int
    height: int
    parts: dict[str, tuple[int, int]]
    uncounted: dict[str, int]

    @property
    def total(self) -> tuple[int, int]:
        """Multiply-adds and parameters of all parts."""
        return tuple(map(sum, zip(*self.parts.values(), strict=True)))

    def to_dict(self) -> dict:
        """All of it for a JSON file."""

        def named(part: tuple[int, int]) -> dict[str, int]:
            return dict(multiply_adds=part[0], parameters=part[1])

        parts = {name: named(part) for name, part in self.parts.items()}
        return dict(
            input=[self.width, self.height], parts=parts, total=named(self.total), uncounted=dict(self.uncounted)
        )


def default_size(crowd: CrowdInferencer) -> tuple[int, int]:
    """(width, height) of a tile of a model that takes tiles of one size only, (1024, 768) of others."""
    options = getattr(crowd.model, 'test_cfg', None) or {}
    return tuple(options['tile'])[::-1] if options.get('full_tiles') else (1024, 768)


@torch.no_grad()
def measure_complexity(crowd: CrowdInferencer, size: tuple[int, int]) -> Complexity:
    """Count what a network does with an image in one pass, without decoding.

    Convolutions, matrix products, normalisation and enlarging count, by mmengine's rules; a transposed convolution
    counts by what it multiplies, a quarter of what it would be by the size of its output at stride 2. Parts that only
    training needs are not called and count no multiply-adds.

    Args:
        crowd: The model.
        size: Width and height of the image, pixels; resized as the model's pipeline says, and padded.
    """
    data = crowd.prepare(np.zeros((size[1], size[0], 3), np.uint8))
    model = crowd.model
    batch = model.data_preprocessor(dict(inputs=[data['inputs']], data_samples=[data['data_samples']]), False)
    inputs, samples = batch['inputs'], batch['data_samples']
    if not isinstance(inputs, torch.Tensor):  # left as bytes because it is large
        inputs = model.data_preprocessor.prepare(inputs[0])[None]
    model.forward = partial(model.forward, data_samples=samples, mode='tensor')
    try:
        analyzer = FlopAnalyzer(model, inputs).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        by_module, unknown = analyzer.by_module(), analyzer.unsupported_ops()
    finally:
        del model.forward
    parts = {
        name: (int(by_module.get(name, 0)), sum(p.numel() for p in part.parameters()))
        for name, part in model.named_children()
        if any(True for _ in part.parameters())
    }
    return Complexity(
        width=inputs.shape[-1],
        height=inputs.shape[-2],
        parts=parts,
        uncounted={name: times for name, times in unknown.items() if not name.startswith('aten::')},
    )
