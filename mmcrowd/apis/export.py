"""A model as one ONNX file with its decoding inside: an image in, points and scores out, in any runtime."""

from __future__ import annotations

import io
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcrowd.codecs import CountedPointsCodec
from mmcrowd.codecs.in_graph import decode_in_graph, why_not
from mmcrowd.datasets import SyntheticCrowd
from mmcrowd.models import CrowdLocalizer, HeadSizeEstimator
from mmcrowd.models.necks.dla_up import ExactDeformConv
from mmcrowd.utils.atomic_files import write_atomic
from mmcrowd.version import __version__

from .inferencer import CrowdInferencer, inference_pipeline

_OPSET, _DEFORMABLE_OPSET = 17, 19
"""Version of the operators, and the first that has deformable convolutions."""
_RECORDED, _COMPARED = (96, 128), (251, 333)
"""Height and width of the images that a graph is recorded with, and compared on; those it is used with are free."""


class ExportableCrowd(nn.Module):
    """One image, (H, W, 3) uint8 BGR as ``cv2.imread`` gives it, to what :func:`decode_in_graph` finds in it.

    Normalization and padding are part of it. The image is predicted whole: cut one that does not fit into memory.

    Args:
        model: A localizer in evaluation mode.

    Raises:
        ValueError: The model cannot be exported; the message says why.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        if (reason := why_not_exported(model)) is not None:
            raise ValueError(reason)
        self.model = model
        self.codec = model.bbox_head.codec

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        height, width = image.shape[0], image.shape[1]
        prepared = self.model.data_preprocessor.prepare(image.permute(2, 0, 1))[None]
        divisor = self.model.data_preprocessor.pad_size_divisor
        padded = F.pad(prepared, (0, -width % divisor, 0, -height % divisor))
        maps = self._maps(padded)
        if self.model.option('mirror', False):
            maps = (maps + self._maps(padded.flip(-1)).flip(-1)) / 2
        # Of positive numbers only: rounding of a negative quotient is another in ONNX.
        rows, columns = ((side + self.codec.stride - 1) // self.codec.stride for side in (height, width))
        if not getattr(self.codec, 'count_padding', False):
            maps = maps[:, :, :rows, :columns]
        return decode_in_graph(self.codec, maps, (height, width))

    def _maps(self, inputs: Tensor) -> Tensor:
        head = self.model.bbox_head
        return head.to_maps(head(self.model.extract_feat(inputs))[0]).float()


def why_not_exported(model: nn.Module) -> str | None:
    """Why a model has no ONNX file here, None where it can be exported."""
    name = type(model).__name__
    if isinstance(model, HeadSizeEstimator):
        return f'{name}: it finds no heads, but reads their sizes at points that are known'
    if not isinstance(model, CrowdLocalizer):
        return (
            f'{name}: a detector of boxes, whose decoding and suppression are of mmdet; export it with MMDeploy, or '
            'take a model of maps (FIDT, P2R, CenterNet, RAZ-Net, densities)'
        )
    if type(model).decode_images is not CrowdLocalizer.decode_images:
        return f'{name}: it reads an image in several passes, and a graph holds one'
    if model.option('full_tiles', False):
        return f'{name}: it takes tiles of one size only, and a graph predicts an image whole'
    reason = why_not(model.bbox_head.codec)
    return None if reason is None else f'{name} with {type(model.bbox_head.codec).__name__}: {reason}'


def export_onnx(crowd: CrowdInferencer, out: str | Path) -> Path:
    """Write a model as ONNX, with normalization, padding and decoding in the graph.

    The graph takes ``image``, (H, W, 3) uint8 BGR of any size, and gives ``points`` (N, 2) float32 xy, original pixels,
    and ``scores`` (N,), and ``count`` (a float64 scalar) where the model counts beside its points; a model that only
    counts gives ``count`` and ``density`` (h, w). It is the model's own prediction of the whole image: a threshold of
    the inferencer is left to who reads the scores. The metadata of the file say, as text, what it was made of.

    Where onnxruntime is installed, the file is run on an image of another size than the one that it was recorded with,
    and written only if it agrees with PyTorch.

    Args:
        crowd: The model, on the CPU.
        out: File to write, ``.onnx``; its folder is made if needed.

    Returns:
        The file.

    Raises:
        ImportError: The package onnx is missing.
        ValueError: The model cannot be exported, its test pipeline changes the image, the graph does not give what the
            model gives, or another ending.
    """
    out = Path(out)
    if out.suffix.lower() != '.onnx':
        raise ValueError(f'{out}: expected a file name that ends in .onnx')
    if find_spec('onnx') is None:
        raise ImportError('exporting needs the package onnx: pip install onnx onnxruntime')
    wrapped = ExportableCrowd(crowd.model).eval()
    changes = [str(step['type']) for step in inference_pipeline(crowd.cfg) if 'Pack' not in str(step['type'])]
    if changes:
        raise ValueError(
            f'{out}: the test pipeline has {", ".join(changes)}, which no part of the graph would do: take a config '
            'that gives the model the image as it is'
        )
    graph = _finish(_record(wrapped), crowd)
    if find_spec('onnxruntime') is not None:
        _compare(graph, wrapped, out)
    write_atomic(out, graph)
    return out


def _record(wrapped: ExportableCrowd) -> bytes:
    """The graph of a model."""
    names = ['points', 'scores'] if wrapped.codec.locates else ['count', 'density']
    if isinstance(wrapped.codec, CountedPointsCodec):
        names += ['count']
    axes = dict(image=['height', 'width'], points=['heads'], scores=['heads'], density=['rows', 'columns'])
    deformable = any(isinstance(module, ExactDeformConv) for module in wrapped.modules())
    file = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        # The recorder warns of every number that it takes for a constant: the padding of strided convolutions, which is
        # one, as images are padded to whole cells.
        warnings.simplefilter('ignore')
        torch.onnx.export(
            wrapped,
            (torch.zeros(*_RECORDED, 3, dtype=torch.uint8),),
            file,
            input_names=['image'],
            output_names=names,
            dynamic_axes={name: dict(enumerate(axes[name])) for name in ['image', *names] if name in axes},
            opset_version=_DEFORMABLE_OPSET if deformable else _OPSET,
            dynamo=False,
        )
    return file.getvalue()


def _finish(graph: bytes, crowd: CrowdInferencer) -> bytes:
    """A graph with operators of ONNX only, and with what it was made of."""
    import onnx

    model = onnx.load_model_from_string(graph)
    use_standard_operators(model)
    about = dict(
        model='' if crowd.zoo_model is None else crowd.zoo_model.name,
        trained_on='' if crowd.zoo_model is None else crowd.zoo_model.trained_on,
        frame='original pixels, the pixel in column j covers [j, j + 1)',
        image='(height, width, 3) uint8 BGR',
        mmcrowd=__version__,
    )
    onnx.helper.set_model_props(model, {name: value for name, value in about.items() if value})
    return model.SerializeToString()


def use_standard_operators(model) -> None:
    """Make mmcv's deformable convolutions in an ``onnx.ModelProto`` those of ONNX, which runtimes have."""
    from onnx import helper

    for node in model.graph.node:
        if node.op_type != 'MMCVModulatedDeformConv2d':
            continue
        x, offset, mask, weight, *bias = node.input
        options = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        standard = helper.make_node(
            'DeformConv',
            [x, weight, offset, *(bias or ['']), mask],
            node.output,
            node.name,
            strides=options['stride'],
            pads=[*options['padding']] * 2,
            dilations=options['dilation'],
            group=options['groups'],
            offset_group=options['deform_groups'],
        )
        node.CopyFrom(standard)
    sets = [each for each in model.opset_import if each.domain != 'mmcv']
    del model.opset_import[:]
    model.opset_import.extend(sets)


def rendered_crowd(shape: tuple[int, int], seed: int = 4321) -> np.ndarray:
    """A crowd of 40 to 80 heads, (H, W, 3) uint8 BGR, of ``shape`` (h, w)."""
    steps = [dict(type='mmcrowd.LoadSynthetic')]
    return SyntheticCrowd(length=1, size=shape[::-1], heads=(40, 80), min_head=8, seed=seed, pipeline=steps)[0]['img']


@torch.no_grad()
def _compare(graph: bytes, wrapped: ExportableCrowd, out: Path) -> None:
    """Run a graph on an image that it was not recorded with."""
    import onnxruntime

    image = rendered_crowd(_COMPARED)
    try:
        session = onnxruntime.InferenceSession(graph, providers=['CPUExecutionProvider'])
    except Exception as error:  # of a dozen types; an old runtime lacks operators
        reason = ' '.join(str(error).split())
        raise ValueError(
            f'{out}: not written, onnxruntime {onnxruntime.__version__} refuses the graph: {reason}'
        ) from error
    for name, ours, theirs in zip(
        [output.name for output in session.get_outputs()],
        wrapped(torch.from_numpy(image)),
        session.run(None, {'image': image}),
        strict=True,
    ):
        if ours.shape != theirs.shape or not np.allclose(ours.numpy(), theirs, rtol=1e-3, atol=1e-3):
            raise ValueError(
                f'{out}: not written, the graph of {type(wrapped.model).__name__} gives other {name} than the model '
                f'for an image of {_COMPARED[1]} x {_COMPARED[0]} pixels ({theirs.shape}, not {tuple(ours.shape)})'
            )
