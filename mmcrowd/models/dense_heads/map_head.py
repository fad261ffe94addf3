"""Base of all heads that predict a codec's maps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.structures import DetDataSample, SampleList
from mmengine.structures import InstanceData
from torch import Tensor

from mmcrowd.codecs import Decoded
from mmcrowd.codecs.numerics import valid_mask
from mmcrowd.models.map_targets import MapTargets, heads_per_process, without_ignored
from mmcrowd.registry import CODECS, MODELS


class CrowdMapHead(BaseDenseHead):
    """A head whose output is a map that a codec writes and reads.

    Subclasses build layers and implement :meth:`forward`, and :meth:`to_maps` where its output is not yet what the
    codec reads (logits, for instance). Training compares the output with the target drawn by the codec, prediction
    decodes it.

    Args:
        codec (dict): Codec of the map; its stride must be the output stride of the head.
        losses (dict[str, dict]): Loss name (reported as ``loss_<name>``) to loss module, e.g.
            ``dict(map=dict(type='mmcrowd.MapMSELoss'))``. Each is called with a :class:`MapTargets`.
        field (str): Field of the data samples that holds the target maps, as ``EncodeTargets`` names it.
        train_cfg (dict, optional): Not used; part of mmdet's head signature.
        test_cfg (dict, optional): Not used; part of mmdet's head signature.
        init_cfg (dict, optional): Initialisation.
    """

    num_classes: int = 1

    def __init__(
        self,
        codec: dict,
        losses: dict[str, dict],
        field: str = 'gt_map',
        train_cfg: dict | None = None,
        test_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.codec = CODECS.build(codec)
        self.field = field
        self.losses = torch.nn.ModuleDict({f'loss_{name}': MODELS.build(cfg) for name, cfg in losses.items()})

    def loss(self, x: tuple[Tensor, ...], batch_data_samples: SampleList) -> dict[str, Tensor]:
        """Losses of a batch: features of the neck and data samples with targets and ``gt_instances.points``."""
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
        return {name: loss(maps) for name, loss in self.losses.items()}

    def match_targets(self, pred: Tensor, batch_data_samples: SampleList) -> MapTargets:
        """Put the target maps of a batch beside the prediction.

        Args:
            pred (Tensor): (B, C, h, w).
            batch_data_samples (list[DetDataSample]): With the target maps in ``field``, unless the codec draws none,
                and with ``gt_instances.points``.

        Raises:
            ValueError: The targets are not those of the head's codec, or the output has another stride than it.
        """
        shapes = [s.metainfo['img_shape'][:2] for s in batch_data_samples]
        self.check_stride(pred, batch_data_samples[0].metainfo.get('batch_input_shape'))
        limit = torch.tensor([self.codec.map_shape(s) for s in shapes]).amax(0).tolist()
        pred = pred[..., : limit[0], : limit[1]]
        target = None
        if self.codec.names:
            maps = [self.target_of(sample, shape) for sample, shape in zip(batch_data_samples, shapes, strict=True)]
            target = pred.new_zeros((len(pred), len(maps[0]), *pred.shape[-2:]), dtype=torch.float32)
            for image, drawn in zip(target, maps, strict=True):
                image[:, : drawn.shape[-2], : drawn.shape[-1]] = drawn
        valid = valid_mask(pred, shapes, self.codec.stride)
        points = [sample.gt_instances.points for sample in batch_data_samples]
        return MapTargets(
            pred=pred,
            target=target,
            valid=valid,
            counted=without_ignored(valid, batch_data_samples, self.codec.stride),
            points=points,
            stride=self.codec.stride,
            num_heads=heads_per_process(sum(map(len, points)), pred.device),
        )

    def target_of(self, sample: DetDataSample, shape: tuple[int, int]) -> Tensor:
        """The codec's target maps (T, h, w) of one sample, its valid height and width in ``shape``."""
        maps = sample.get(self.field, {})
        if any(name not in maps for name in self.codec.names):
            raise ValueError(
                f'{sample.metainfo.get("img_path")}: expected the target maps {list(self.codec.names)} of '
                f'{type(self.codec).__name__} in {self.field}, found {list(maps.keys())}: put EncodeTargets with the '
                'codec of the head into the training pipeline'
            )
        maps = torch.cat([maps.get(name) for name in self.codec.names])
        if maps.shape[-2:] != self.codec.map_shape(shape):
            raise ValueError(
                f'{sample.metainfo.get("img_path")}: target map of shape {tuple(maps.shape)}, but the head (stride '
                f'{self.codec.stride}) needs {self.codec.map_shape(shape)} for {shape} pixels: EncodeTargets and the '
                'head must use the same codec'
            )
        return maps

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

        Raises:
            ValueError: The codec counts without points; :class:`mmcrowd.models.CrowdLocalizer` writes its counts.
        """
        if not self.codec.locates:
            raise ValueError(
                f'{type(self.codec).__name__} counts without points, and instances cannot hold a count: put '
                f'{type(self).__name__} into a CrowdLocalizer'
            )
        decoded = self.codec.decode(self.to_maps(pred), [m['img_shape'][:2] for m in batch_img_metas])
        return [
            to_instances(d, m.get('scale_factor') if rescale else None)
            for d, m in zip(decoded, batch_img_metas, strict=True)
        ]


def write_prediction(
    sample: DetDataSample, decoded: Decoded, locates: bool = True, scale_factor: Sequence[float] | None = None
) -> None:
    """Write what was found in an image into its sample: the one place where predictions are written.

    A model that locates gives ``pred_instances``, a model that counts in a way of its own ``pred_count`` (and
    ``pred_count_<name>`` for each of ``decoded.counts``), float64; a model may do both. One that only counts gives no
    instances at all, so that no metric takes it for a model that found nothing. Counts do not change with the scale.

    Args:
        sample: Sample of the image.
        decoded: Heads and counts, pixels of the network's input.
        locates: Whether the model gives points, ``codec.locates``.
        scale_factor: Width and height factor from the original to the network's input; None keeps the latter.
    """
    if locates:
        sample.pred_instances = to_instances(decoded, scale_factor)
    if decoded.count is not None:
        sample.set_field(decoded.count, 'pred_count')
    for name, count in decoded.counts.items():
        sample.set_field(count, f'pred_count_{name}')


def to_instances(decoded: Decoded, scale_factor: Sequence[float] | None = None) -> InstanceData:
    """Turn decoded heads into ``pred_instances``, divided by ``scale_factor`` (w, h) if given."""
    scale = decoded.points.new_tensor([1.0, 1.0] if scale_factor is None else scale_factor[:2])
    return InstanceData(
        points=decoded.points / scale,
        scores=decoded.scores,
        bboxes=decoded.boxes / scale.repeat(2),
        labels=torch.zeros(len(decoded), dtype=torch.long, device=decoded.points.device),
    )
