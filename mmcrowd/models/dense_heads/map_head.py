"""Base of all heads that predict a codec's maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.structures import SampleList
from mmdet.structures.bbox import get_box_tensor
from mmengine.dist import all_reduce, get_world_size
from mmengine.structures import InstanceData
from torch import Tensor

from mmcrowd.codecs import Decoded
from mmcrowd.codecs.numerics import covered_cells, valid_mask
from mmcrowd.registry import CODECS, MODELS


@dataclass(frozen=True)
class MapTargets:
    """A batch of predicted maps beside what they should be.

    Attributes:
        pred (Tensor): (B, C, h, w) prediction, without rows and columns that are padding in all images.
        target (Tensor): (B, C, h, w) float32.
        valid (Tensor): (B, 1, h, w) bool, False on padding.
        cells (list[Tensor]): One (N, 2) long tensor per image: column and row of each head.
        num_heads (Tensor): Scalar, heads per process, at least 1 over all processes.
    """

    pred: Tensor
    target: Tensor
    valid: Tensor
    cells: list[Tensor]
    num_heads: Tensor


class CrowdMapHead(BaseDenseHead):
    """A head whose output is a map that a codec writes and reads.

    Subclasses build layers and implement :meth:`forward`, and :meth:`to_maps` where its output is not yet what the
    codec reads (logits, for instance). Training compares the output with the target drawn by the codec, prediction
    decodes it.

    Args:
        codec (dict): Codec of the map; its stride must be the output stride of the head.
        losses (dict[str, dict]): Loss name (reported as ``loss_<name>``) to loss module, e.g.
            ``dict(map=dict(type='mmcrowd.MapMSELoss'))``. Each is called with ``(pred, target, valid, cells,
            avg_factor)``.
        train_cfg (dict, optional): Not used; part of mmdet's head signature.
        test_cfg (dict, optional): Not used; part of mmdet's head signature.
        init_cfg (dict, optional): Initialisation.
    """

    def __init__(
        self,
        codec: dict,
        losses: dict[str, dict],
        train_cfg: dict | None = None,
        test_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.codec = CODECS.build(codec)
        self.losses = torch.nn.ModuleDict({f'loss_{name}': MODELS.build(cfg) for name, cfg in losses.items()})

    def loss(self, x: tuple[Tensor, ...], batch_data_samples: SampleList) -> dict[str, Tensor]:
        """Losses of a batch: features of the neck and data samples with ``gt_map`` and ``gt_instances.points``."""
        return self.loss_by_feat(*self(x), batch_data_samples)

    def loss_by_feat(self, pred: Tensor, batch_data_samples: SampleList) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            pred (Tensor): (B, C, h, w); cells beyond an image's target are padding and carry no loss.
            batch_data_samples (list[DetDataSample]): Targets.

        Returns:
            dict[str, Tensor]: Scalars named ``loss_*``.

        Raises:
            ValueError: See :meth:`match_targets`.
        """
        maps = self.match_targets(pred, batch_data_samples)
        return {
            name: loss(maps.pred, maps.target, maps.valid, maps.cells, maps.num_heads)
            for name, loss in self.losses.items()
        }

    def match_targets(self, pred: Tensor, batch_data_samples: SampleList) -> MapTargets:
        """Put the target maps of a batch beside the prediction.

        Args:
            pred (Tensor): (B, C, h, w).
            batch_data_samples (list[DetDataSample]): With ``gt_map`` and ``gt_instances.points``.

        Raises:
            ValueError: The targets are not those of the head's codec, or the output has another stride than it.
        """
        shapes = [s.metainfo['img_shape'][:2] for s in batch_data_samples]
        self.check_stride(pred, batch_data_samples[0].metainfo.get('batch_input_shape'))
        limit = torch.tensor([self.codec.map_shape(s) for s in shapes]).amax(0).tolist()
        pred = pred[..., : limit[0], : limit[1]]
        valid = valid_mask(pred, shapes, self.codec.stride)
        target = pred.new_zeros(pred.shape, dtype=torch.float32)
        cells = []
        for i, sample in enumerate(batch_data_samples):
            maps = sample.get('gt_map', {})
            if any(name not in maps for name in self.codec.names):
                raise ValueError(
                    f'{sample.metainfo.get("img_path")}: expected the target maps {list(self.codec.names)} of '
                    f'{type(self.codec).__name__}, found {list(maps.keys())}: put EncodeTargets with the codec of the '
                    'head into the training pipeline'
                )
            maps = torch.cat([maps.get(name) for name in self.codec.names])
            if maps.shape[-2:] != self.codec.map_shape(shapes[i]):
                raise ValueError(
                    f'{sample.metainfo.get("img_path")}: target map of shape {tuple(maps.shape)}, but the head '
                    f'(stride {self.codec.stride}) needs {self.codec.map_shape(shapes[i])} for {shapes[i]} pixels: '
                    'EncodeTargets and the head must use the same codec'
                )
            target[i, :, : maps.shape[-2], : maps.shape[-1]] = maps
            cells.append(sample.gt_instances.points.floor().long() // self.codec.stride)
        return MapTargets(pred, target, valid, cells, heads_per_process(sum(map(len, cells)), pred.device))

    def to_maps(self, pred: Tensor) -> Tensor:
        """What :meth:`forward` predicts -> the maps that the codec decodes, here the same."""
        return pred

    def check_stride(self, maps: Tensor, input_shape: tuple[int, int] | None) -> None:
        """Check the output's size against the codec's stride.

        Args:
            maps (Tensor): (B, C, h, w).
            input_shape (tuple[int, int], optional): Height and width of the network's input, pixels; None checks
                nothing.

        Raises:
            ValueError: The maps are too small for the input, or twice as large as needed, or more.
        """
        for cells, pixels in zip(maps.shape[-2:], input_shape or (), strict=False):
            if not 0 <= cells * self.codec.stride - pixels < max(pixels, 8):
                raise ValueError(
                    f'{type(self).__name__}: the codec has stride {self.codec.stride}, but the network makes maps of '
                    f'{tuple(maps.shape[-2:])} cells from {tuple(input_shape)} pixels, expected '
                    f'{self.codec.map_shape(input_shape)}: give the codec, here and in EncodeTargets, the stride '
                    'of the network'
                )

    def predict(
        self, x: tuple[Tensor, ...], batch_data_samples: SampleList, rescale: bool = False
    ) -> list[InstanceData]:
        """Heads of every image; see :meth:`predict_by_feat`."""
        return self.predict_by_feat(*self(x), batch_img_metas=[s.metainfo for s in batch_data_samples], rescale=rescale)

    def predict_by_feat(
        self, pred: Tensor, batch_img_metas: Sequence[dict], cfg: dict | None = None, rescale: bool = False
    ) -> list[InstanceData]:
        """Decode predicted maps.

        Args:
            pred (Tensor): (B, C, h, w), as :meth:`forward` gives it.
            batch_img_metas (sequence of dict): ``img_shape`` and, for ``rescale``, ``scale_factor`` (w, h).
            cfg (dict, optional): Not used.
            rescale (bool): Whether to return original-image pixels instead of pixels of the network's input.

        Returns:
            list[InstanceData]: ``points`` (N, 2) xy, ``scores`` (N,), ``bboxes`` (N, 4), ``labels`` (N,).
        """
        decoded = self.codec.decode(self.to_maps(pred), [m['img_shape'][:2] for m in batch_img_metas])
        return [
            to_instances(d, m.get('scale_factor') if rescale else None)
            for d, m in zip(decoded, batch_img_metas, strict=True)
        ]


def to_instances(decoded: Decoded, scale_factor: Sequence[float] | None = None) -> InstanceData:
    """Turn decoded heads into ``pred_instances``, divided by ``scale_factor`` (w, h) if given."""
    scale = decoded.points.new_tensor([1.0, 1.0] if scale_factor is None else scale_factor[:2])
    return InstanceData(
        points=decoded.points / scale,
        scores=decoded.scores,
        bboxes=decoded.boxes / scale.repeat(2),
        labels=torch.zeros(len(decoded), dtype=torch.long, device=decoded.points.device),
    )


def heads_per_process(number: int, device: torch.device) -> Tensor:
    """Mean of the numbers of heads of all processes, scalar; as if there were at least one head in all of them."""
    heads = torch.tensor(float(number), device=device)
    if get_world_size() > 1:
        all_reduce(heads, 'mean')
    return heads.clamp(min=1 / get_world_size())


def without_ignored(valid: Tensor, batch_data_samples: SampleList, stride: int) -> Tensor:
    """Take ignored regions out of a mask of valid cells.

    Args:
        valid (Tensor): (B, 1, h, w) bool.
        batch_data_samples (list[DetDataSample]): With ``ignored_instances.bboxes`` (R, 4) xyxy where there are any,
            pixels of the network's input.
        stride (int): Pixels per cell.

    Returns:
        Tensor: (B, 1, h, w) bool, False also where an ignored region holds the centre of the cell.
    """
    valid = valid.clone()
    for mask, sample in zip(valid[:, 0], batch_data_samples, strict=True):
        regions = sample.get('ignored_instances', {}).get('bboxes')
        if regions is not None and len(regions):
            for cells in covered_cells(get_box_tensor(regions).cpu().numpy(), stride):
                mask[cells] = False
    return valid
