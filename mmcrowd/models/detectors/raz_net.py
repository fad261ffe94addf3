"""RAZ-Net: counts by a density, locates, and looks again where heads are dense."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from mmdet.structures import SampleList
from torch import Tensor, nn

from mmcrowd.codecs import Decoded
from mmcrowd.models.zooming import Regions, grid_of_density, grid_of_points, merge_regions, score_anchors
from mmcrowd.registry import MODELS

from .crowd_localizer import CrowdLocalizer

ZOOM = 2
"""Size of an enlarged region by that of the region."""
MAX_DEPTH = 4
"""Regions lie at multiples of 8 pixels of what is looked at: at whole pixels of the image down to this depth."""
_ALIGN = 8


@dataclass(frozen=True)
class Look:
    """What one pass over an image finds.

    Attributes:
        heads: Candidates, pixels of the image.
        attention: (h, w) float32 in [0, 1].
        density: (h, w) float32 heads per cell; None of a network without a counting branch.
    """

    heads: Decoded
    attention: Tensor
    density: Tensor | None


@MODELS.register_module()
class RAZNet(CrowdLocalizer):
    """Main-Net, and within it the network that looks again at enlarged regions.

    Source: Liu, Weng and Mu, "Recurrent Attentive Zooming for Joint Crowd Counting and Precise Localization".
    One trunk, the ``backbone`` and, if there is one, the ``neck``, feeds three branches: counting (``density_neck`` and
    ``density_head``), localization (``bbox_head``), and attention, on the last features of the other two. ``zoom_net``
    is a RAZNet without counting branch; every depth of zooming uses the same. It is trained as a model of its own,
    starting from :func:`mmcrowd.models.zooming.zoom_net_weights`, and never through this one.

    An image is read whole or in tiles. Then, level by level, the best regions by attention of everything that was seen
    on the level before (NMS and their number are per image and level) are cut out of the image, enlarged by 2, 4, ...,
    and read one after the other; their points replace the coarser ones, see :func:`merge_regions`. The seed of the
    regions belongs to the image: they do not depend on its batch.

    A prediction has the points as ``pred_instances`` and, with a counting branch, the fused count as ``pred_count``;
    ``pred_count_density``, ``pred_count_points`` and ``pred_count_average`` are its parts.

    Options, in ``test_cfg``, beside those of :class:`TiledDetector`: ``depth`` (0 to 4, default 1 with a ``zoom_net``),
    ``regions`` (those of :func:`propose_regions`: ``num_points``, ``threshold``, ``overlap``, ``number``).

    Args:
        *args: Those of ``SingleStageDetector``; ``bbox_head`` is the localization branch.
        attention_head (dict): The zooming branch, a :class:`RAZAttentionHead`.
        density_neck (dict, optional): Layers of the counting branch before the last.
        density_head (dict, optional): The last layer of the counting branch.
        zoom_net (dict, optional): The network that looks again; preprocessing and options are those of this one unless
            it has its own.
        fusion (dict, optional): :class:`TwoStreamFusion`, with a counting branch.
        frozen (sequence of str): Parts that are not trained: 'backbone', 'density', 'localization', 'attention'. No
            gradient, no decay, no new statistics; frozen branches are not computed where nothing needs them.
        **kwargs: Those of ``SingleStageDetector``.

    Raises:
        ValueError: Parts do not fit each other, or ``frozen`` names none.
    """

    def __init__(
        self,
        *args,
        attention_head: dict,
        density_neck: dict | None = None,
        density_head: dict | None = None,
        zoom_net: dict | None = None,
        fusion: dict | None = None,
        frozen: Sequence[str] = (),
        **kwargs,
    ) -> None:
        super().__init__(*args, **kwargs)
        if (density_neck is None) != (density_head is None) or (fusion is not None and density_head is None):
            raise ValueError('RAZNet: density_neck and density_head belong together, and fusion needs them')
        self.density_neck, self.density_head, self.zoom_net, self.fusion = (
            None if part is None else MODELS.build(part)
            for part in (density_neck, density_head, _inherit(zoom_net, kwargs), fusion)
        )
        self.attention_head = MODELS.build(attention_head)
        given = self.bbox_head.output.in_channels + (0 if density_head is None else self.density_head.in_channels)
        if self.attention_head.in_channels != given:
            raise ValueError(
                f'RAZNet: its branches give {given} channels, but {type(self.attention_head).__name__} takes '
                f'{self.attention_head.in_channels}: set attention_head.in_channels={given}'
            )
        self.frozen = self._check_frozen(frozen)
        for module in self._resting():
            module.requires_grad_(False)

    def _parts(self) -> dict[str, list[nn.Module]]:
        trunk = [self.backbone, self.neck] if self.with_neck else [self.backbone]
        parts = dict(backbone=trunk, localization=[self.bbox_head], attention=[self.attention_head])
        return parts if self.density_head is None else dict(parts, density=[self.density_neck, self.density_head])

    def _check_frozen(self, frozen: Sequence[str]) -> tuple[str, ...]:
        unknown = set(frozen) - set(self._parts())
        if unknown:
            raise ValueError(f'RAZNet: frozen names {sorted(unknown)}, expected some of {sorted(self._parts())}')
        return tuple(frozen)

    def _resting(self) -> list[nn.Module]:
        """What a training does not touch: frozen parts and the network that looks again."""
        resting = [module for name in self.frozen for module in self._parts()[name]]
        return resting if self.zoom_net is None else [*resting, self.zoom_net]

    def train(self, mode: bool = True) -> RAZNet:
        """Switch between training and prediction; what rests stays in prediction."""
        super().train(mode)
        if hasattr(self, 'frozen'):
            for module in self._resting():
                module.eval()
        return self

    def loss(self, batch_inputs: Tensor, batch_data_samples: SampleList) -> dict[str, Tensor]:
        """Losses of the branches that are not frozen.

        Raises:
            ValueError: All branches are frozen.
        """
        heads = dict(density=self.density_head, localization=self.bbox_head, attention=self.attention_head)
        heads = {name: head for name, head in heads.items() if head is not None and name not in self.frozen}
        if not heads:
            raise ValueError('RAZNet: all branches are frozen, there is nothing to train')
        predicted = self.branches(batch_inputs, tuple(heads))
        losses = {}
        for name, head in heads.items():
            losses.update(head.loss_by_feat(predicted[name], batch_data_samples))
        return losses

    def branches(self, inputs: Tensor, wanted: Sequence[str]) -> dict[str, Tensor]:
        """What the branches say of images (B, 3, H, W), normalised: (B, 1, h, w) each, logits but for the density."""
        x, said, features = self.extract_feat(inputs), {}, []
        if self.density_head is not None and not {'density', 'attention'}.isdisjoint(wanted):
            counting = self.density_neck(x)
            said['density'] = self.density_head(counting)[0]
            features.append(counting[-1])
        if not {'localization', 'attention'}.isdisjoint(wanted):
            features.append(self.bbox_head.features(x))
            said['localization'] = self.bbox_head.logits(features[-1])
        if 'attention' in wanted:
            said['attention'] = self.attention_head((self._joined(features),))[0]
        return said

    def _joined(self, features: Sequence[Tensor]) -> Tensor:
        """The last features of all branches at the stride of the attention, as channels of one map."""
        factor = self.attention_head.codec.stride // self.bbox_head.codec.stride
        located = features[-1]
        if factor > 1:
            located = F.avg_pool2d(located, factor, ceil_mode=True)
        size = located.shape[-2:]
        return torch.cat(
            [*(F.interpolate(f, size=size, mode='bilinear', align_corners=False) for f in features[:-1]), located],
            dim=1,
        )

    def look(self, image: Tensor, shape: tuple[int, int]) -> Look:
        """Read an image once, whole or in tiles as the options say, without zooming.

        Args:
            image: (3, H, W) normalised, or raw uint8.
            shape: Valid height and width, pixels.
        """
        heads = dict(attention=self.attention_head)
        if self.density_head is not None:
            heads['density'] = self.density_head
        canvases = {name: torch.zeros(head.codec.map_shape(shape), device=image.device) for name, head in heads.items()}
        stride = max(head.codec.stride for head in heads.values())
        parts = []
        for tile in self.tiles(image, shape, stride):
            said = self.branches(tile.inputs, ('localization', *heads))
            cross = self.bbox_head.to_maps(said['localization'])
            (part,) = self.bbox_head.codec.candidates(cross, [tile.valid], tile.core)
            parts.append(part.translate(*tile.origin))
            for name, head in heads.items():
                tile.paste(head.to_maps(said[name])[0, 0], canvases[name], head.codec.stride)
        return Look(Decoded.cat(parts), canvases['attention'], canvases.get('density'))

    def decode_images(
        self, batch_inputs: Tensor | Sequence[Tensor], shapes: Sequence[tuple[int, int]], keep_maps: bool = False
    ) -> list[tuple[Decoded, None]]:
        """Heads of every image with their counts, zoomed as deep as the options say; maps are not kept.

        Raises:
            ValueError: Maps are asked for, or the depth is none that it can go.
        """
        if keep_maps:
            raise ValueError('RAZNet: test_cfg.return_maps: it gives points and counts, its maps are not kept')
        depth = self.check_depth()
        return [(self._decode(image, shape, depth), None) for image, shape in zip(batch_inputs, shapes, strict=True)]

    def check_depth(self) -> int:
        """The depth of zooming that the options say.

        Raises:
            ValueError: It is not 0 to 4, or there is no network that looks again; or options ask for what this
                detector cannot do.
        """
        if self.option('mirror', False) or self.option('merge', 'core') != 'core':
            raise ValueError("RAZNet: test_cfg: it knows neither mirror=True nor merge='average'")
        depth = self.option('depth', 0 if self.zoom_net is None else 1)
        if depth not in range(MAX_DEPTH + 1):
            raise ValueError(f'RAZNet: test_cfg.depth must be 0 to {MAX_DEPTH}, got {depth!r}')
        if depth and self.zoom_net is None:
            raise ValueError(f'RAZNet: test_cfg.depth={depth} needs a zoom_net, the network that looks again')
        return depth

    def _decode(self, image: Tensor, shape: tuple[int, int], depth: int) -> Decoded:
        look = self.look(image, shape)
        heads = self.bbox_head.codec.select(self.zoom(image, shape, look, depth), shape)
        if self.fusion is None:
            return heads
        grids = self.count_cells(look.density, heads.points, shape)
        counts = dict(density=grids[0].sum(), points=grids[1].sum(), average=sum(grids).sum() / 2)
        return replace(heads, count=self.fusion(*grids, depth), counts=counts)

    def count_cells(self, density: Tensor, points: Tensor, shape: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Counts of an image's grid by density and by points, (rows, columns) float64 each."""
        grid = self.fusion.grid
        by_density = grid_of_density(density, shape, self.density_head.codec.stride, grid)
        return by_density, grid_of_points(points, shape, grid)

    def zoom(self, image: Tensor, shape: tuple[int, int], look: Look, depth: int) -> Decoded:
        """The heads of an image, ``depth`` times looked at again where heads are dense.

        Args:
            image: (3, H, W) normalised, or raw uint8.
            shape: Valid height and width, pixels.
            look: What the first look found.
            depth: Levels; it ends earlier where no region is left.
        """
        heads, seen = look.heads, [(look.attention, (0, 0), shape)]
        for level in range(1, depth + 1):
            boxes = self.regions(seen, level, self.attention_head if level == 1 else self.zoom_net.attention_head).boxes
            factor, parts, seen = ZOOM**level, [], []
            for x1, y1, x2, y2 in boxes.tolist():
                enlarged = self._enlarged(image[:, y1:y2, x1:x2], factor)
                found = self.zoom_net.look(enlarged, tuple(enlarged.shape[-2:]))
                parts.append(found.heads)
                seen.append((found.attention, (x1, y1), tuple(enlarged.shape[-2:])))
            heads = merge_regions(heads, boxes, parts, zoom=factor)
        return heads

    def regions(
        self, seen: Sequence[tuple[Tensor, tuple[int, int], tuple[int, int]]], level: int, head: nn.Module
    ) -> Regions:
        """The best regions of a level, pixels of the image.

        Args:
            seen: Attention of each part that was seen on the level before, its corner in the image, its enlarged size.
            level: From 1 on.
            head: What predicted the attention.
        """
        options = dict(num_points=200, threshold=0.01, overlap=0.5, number=10)
        options.update(self.option('regions', {}))
        overlap, number = options.pop('overlap'), options.pop('number')
        stride, before = head.codec.stride, ZOOM ** (level - 1)
        boxes, scores = [torch.zeros((0, 4), dtype=torch.long)], [torch.zeros(0)]
        for seed, (attention, corner, size) in enumerate(seen):
            found = score_anchors(attention, size, stride, seed, align=max(_ALIGN, stride), **options)
            boxes.append(found.boxes.cpu() // before + torch.tensor([*corner, *corner]))
            scores.append(found.scores.cpu())
        return Regions(torch.cat(boxes), torch.cat(scores)).best(overlap, number)

    def _enlarged(self, region: Tensor, factor: int) -> Tensor:
        """A region (3, h, w), normalised or raw uint8 -> (3, factor h, factor w) normalised, bilinear."""
        if region.dtype == torch.uint8:
            region = self.data_preprocessor.prepare(region)
        return F.interpolate(region[None], scale_factor=factor, mode='bilinear', align_corners=False)[0]


def _inherit(zoom_net: dict | None, kwargs: dict) -> dict | None:
    """The config of the network that looks again, with preprocessing and options of the one around it."""
    if zoom_net is None:
        return None
    given = {name: deepcopy(kwargs[name]) for name in ('data_preprocessor', 'test_cfg') if kwargs.get(name) is not None}
    return {**given, **zoom_net}
