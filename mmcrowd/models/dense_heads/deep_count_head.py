"""Counting by regression, with density branches that exist in training (DeepCount)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from mmdet.structures import SampleList
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmcrowd.codecs.numerics import sum_pool
from mmcrowd.models.layers import Float32Conv2d
from mmcrowd.models.map_targets import MapTargets
from mmcrowd.registry import MODELS

from .map_head import CrowdMapHead

_SCALES = 5
"""Sizes of the map, each half of the one before."""
_SLOPE = 0.2


def _unit(layer: nn.Module) -> nn.Sequential:
    return nn.Sequential(layer, nn.LeakyReLU(_SLOPE))


class DensityBranch(BaseModule):
    """From the one cell of the backbone's last feature up to a density, beside the backbone's features on the way.

    Args:
        channels: Width of the backbone's features and of the branch.
        code_channels: Width of the one cell.
        grid: Rows and columns of the coarsest feature.
        steps: How often the size is doubled after that.
    """

    def __init__(self, channels: int, code_channels: int, grid: tuple[int, int], steps: int) -> None:
        super().__init__()
        self.ups = nn.ModuleList([_unit(nn.ConvTranspose2d(code_channels, channels, grid))])
        for _ in range(steps):
            self.ups.append(_unit(nn.ConvTranspose2d(2 * channels, channels, 4, stride=2, padding=1)))
        self.output = _unit(Float32Conv2d(2 * channels, 1, 1))

    def forward(self, code: Tensor, features: Sequence[Tensor]) -> Tensor:
        """The cell (B, C, 1, 1) and features, coarsest first -> density of the size of the last feature used."""
        x = code
        for up, feature in zip(self.ups, features, strict=False):
            x = torch.cat([up(x), feature], dim=1)
        return self.output(x)


@MODELS.register_module()
class DeepCountHead(CrowdMapHead):
    """DeepCount: one number per tile, and in training density maps of five sizes that send gradients into the backbone.

    Source: Chen et al., "Deep Density-aware Count Regressor", table 1. Behind VGG-16's first ten convolutions, pairs
    of 3x3 convolutions halve the map four times; a convolution over the whole of what is left and a fully connected
    layer make the count: 21,403,201 parameters with the front end. Branch ``j`` starts at the last feature and is
    enlarged until its density has stride ``8 * 2^(j-1)``, joining the backbone's feature of each size: 11,536,129,
    9,438,721, 7,341,313, 5,243,905 and 3,146,497 parameters. Branches share no weights. A leaky ReLU follows every
    convolution, outputs too; its slope of 0.2 is constant (the paper calls it parametric).

    The network takes tiles of exactly ``grid`` times 128 pixels: train on such crops, and predict with
    ``test_cfg=dict(mode='tile', tile=(384, 512), halo=0, full_tiles=True)``.

    The codec draws one density of stride 8; coarser ones and the count are its sums. Each output has the losses of the
    head, that of the count times ``count_weight``: the published loss is ``MapL1Loss(normalizer='batch')`` with a
    weight of 1/100 (released code; half of it in the paper).

    In prediction the density is the count, spread evenly over the tile, or the map of a branch at the scale of the
    count; outputs below 0 are 0. The codec counts each branch that it names in ``counts`` as ``branch_<j>``, and
    the backbone as ``backbone`` if that is named. Branches are not needed to predict: a config without them loads
    weights that have them.

    Args:
        codec (dict): A DensityCodec of stride 8, with ``count_padding`` where tiles reach beyond images.
        losses (dict[str, dict]): Losses of each output.
        in_channels (int): Channels of the features, of stride 8.
        channels (int): Width of features and branches.
        mid_channels (int): Width of the convolutions that halve the map.
        code_channels (int): Width of the last feature.
        grid (tuple[int, int]): Rows and columns of the coarsest map.
        branches (sequence of int): Branches that exist, 1 (finest) to 5.
        density_from (int, optional): Branch that the predicted density is drawn by; None spreads the count.
        count_weight (float): Weight of the count's losses.
        init_cfg (dict, optional): Initialisation; default: Xavier's, biases 0.
        **kwargs: Passed to :class:`CrowdMapHead`.
    """

    def __init__(
        self,
        codec: dict,
        losses: dict[str, dict],
        in_channels: int = 512,
        channels: int = 256,
        mid_channels: int = 512,
        code_channels: int = 1024,
        grid: tuple[int, int] = (3, 4),
        branches: Sequence[int] = (1, 2, 3, 4, 5),
        density_from: int | None = None,
        count_weight: float = 16.0,
        init_cfg: dict | list | None = dict(type='Xavier', layer=['Conv2d', 'ConvTranspose2d'], distribution='uniform'),
        **kwargs,
    ) -> None:
        super().__init__(codec, losses, init_cfg=init_cfg, **kwargs)
        if not set(branches) <= set(range(1, _SCALES + 1)):
            raise ValueError(f'DeepCountHead: branches must be of 1 to {_SCALES}, got {tuple(branches)}')
        if density_from is not None and density_from not in branches:
            raise ValueError(f'DeepCountHead: density_from={density_from} is none of the branches {tuple(branches)}')
        self.in_channels, self.grid, self.count_weight = in_channels, tuple(grid), count_weight
        self.density_from = density_from
        known = {'backbone', *(f'branch_{j}' for j in branches)}
        if not set(self.codec.counts) <= known:
            raise ValueError(f'DeepCountHead counts {sorted(known)}, but its codec names {list(self.codec.counts)}')
        self.scales = nn.ModuleList([_unit(nn.Conv2d(in_channels, channels, 3, padding=1))])
        for _ in range(_SCALES - 1):
            halve = _unit(nn.Conv2d(channels, mid_channels, 3, stride=2, padding=1))
            self.scales.append(nn.Sequential(halve, _unit(nn.Conv2d(mid_channels, channels, 3, padding=1))))
        self.code = _unit(nn.Conv2d(channels, code_channels, self.grid))
        self.count = _unit(Float32Conv2d(code_channels, 1, 1))
        self.branches = nn.ModuleDict(
            {str(j): DensityBranch(channels, code_channels, self.grid, _SCALES - j) for j in sorted(branches)}
        )
        self.unneeded_keys = (rf'branches\.(?!({"|".join(self.branches)})\.)',)

    def forward(self, x: Sequence[Tensor]) -> tuple[dict[str, Tensor]]:
        """Features (B, C, h, w) of the front end -> ``backbone`` (B, 1, 1, 1), and in training, or where prediction
        asks for it, ``branch_<j>`` (B, 1, h / 2^(j-1), w / 2^(j-1)).

        Raises:
            ValueError: The features are not those of a tile.
        """
        expected = tuple(side * 2 ** (_SCALES - 1) for side in self.grid)
        if tuple(x[-1].shape[-2:]) != expected:
            raise ValueError(
                f'DeepCountHead takes tiles of {[8 * side for side in expected]} pixels, whose features have '
                f'{list(expected)} cells, got {list(x[-1].shape[-2:])}: train on crops of that size, padded where '
                "images are smaller, and predict with mode='tile', halo=0 and full_tiles=True in test_cfg"
            )
        features, feature = [], x[-1]
        for scale in self.scales:
            feature = scale(feature)
            features.insert(0, feature)
        code = self.code(feature)
        outputs = {'backbone': self.count(code)}
        for j, branch in self.branches.items():
            if self.training or self.density_from == int(j) or f'branch_{j}' in self.codec.counts:
                outputs[f'branch_{j}'] = branch(code, features)
        return (outputs,)

    def loss_by_feat(self, pred: dict[str, Tensor], batch_data_samples: SampleList) -> dict[str, Tensor]:
        """Losses of a batch, ``loss_<name>_<output>``; see :meth:`CrowdMapHead.loss_by_feat`."""
        count = pred['backbone']
        size = [side * 2 ** (_SCALES - 1) for side in self.grid]
        fine = self.match_targets(count.new_zeros(1).expand(len(count), 1, *size), batch_data_samples)
        losses = {}
        for output, value in pred.items():
            maps = self._coarse_targets(fine, value, size[0] // value.shape[-2], size)
            weight = self.count_weight if output == 'backbone' else 1.0
            losses |= {f'{name}_{output}': weight * loss(maps) for name, loss in self.losses.items()}
        return losses

    @staticmethod
    def _coarse_targets(fine: MapTargets, pred: Tensor, factor: int, size: list[int]) -> MapTargets:
        """Targets of one output, sums of the finest.

        A cell that holds anything of an ignored region does not count; padding does, as a place without heads.
        """
        bottom, right = (side - cells for side, cells in zip(size, fine.pred.shape[-2:], strict=True))
        target = F.pad(fine.target, (0, right, 0, bottom))
        ignored = F.pad((fine.valid & ~fine.counted).float(), (0, right, 0, bottom))
        if factor > 1:
            whole = pred.shape[-2:] == (1, 1)
            target = target.sum((2, 3), keepdim=True) if whole else sum_pool(target, factor)
            ignored = ignored.amax((2, 3), keepdim=True) if whole else F.max_pool2d(ignored, factor)
        every = torch.ones_like(ignored, dtype=torch.bool)
        stride = fine.stride * factor
        return replace(fine, pred=pred, target=target, valid=every, counted=ignored == 0, stride=stride)

    def to_maps(self, pred: dict[str, Tensor]) -> Tensor:
        """Outputs -> the maps that the codec reads, all of stride 8: the density, then those of further counts."""
        size = [side * 2 ** (_SCALES - 1) for side in self.grid]
        outputs = {name: value.float().clamp(min=0) for name, value in pred.items()}
        maps = {name: self._spread(value, size) for name, value in outputs.items()}
        density = maps['backbone']
        if self.density_from is not None:
            shape = maps[f'branch_{self.density_from}']
            total = shape.sum((2, 3), keepdim=True)
            density = torch.where(total > 0, shape / total.clamp(min=1e-12) * outputs['backbone'], density)
        return torch.cat([density, *(maps[name] for name in self.codec.counts)], dim=1)

    @staticmethod
    def _spread(maps: Tensor, size: list[int]) -> Tensor:
        """Spread each cell (B, 1, h, w) evenly over those that it covers at the finest size."""
        rows, columns = (fine // coarse for fine, coarse in zip(size, maps.shape[-2:], strict=True))
        return maps.repeat_interleave(rows, 2).repeat_interleave(columns, 3) / (rows * columns)
