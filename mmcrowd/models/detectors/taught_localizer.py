"""A localizer that another one teaches: knowledge distillation of maps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from mmdet.structures import SampleList
from mmengine.config import Config
from mmengine.structures import InstanceData, PixelData
from torch import Tensor

from mmcrowd.codecs.numerics import valid_mask
from mmcrowd.registry import MODELS
from mmcrowd.utils.weights import load_weights, read_weights

from .crowd_localizer import CrowdLocalizer


@MODELS.register_module()
class TaughtLocalizer(CrowdLocalizer):
    """Learns maps that are partly drawn from the annotated heads and partly predicted by a teacher, as soft targets.

    Source of the idea: Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network"; here the outputs are
    maps, and losses, metrics and prediction are those of a :class:`CrowdLocalizer`, which loads the weights, too. The
    teacher sees the student's crops in its own normalisation, and is no part of the student's weights. It is built at
    the first step of a training: prediction does not need it.

    Args:
        teacher_config (str or dict): Config file of the teacher, of which ``model`` is taken, or that model. It is a
            :class:`CrowdLocalizer` of the student's stride that predicts the student's maps, maybe beside others.
        teacher_ckpt (str): The teacher's weights.
        share (float): Part of the teacher's map in the target, from above 0 to 1; the rest is drawn. With 1 nothing
            annotated is used: heads are those that the teacher finds, and images need no annotation.
        **kwargs: Passed to :class:`CrowdLocalizer`.

    Raises:
        ValueError: ``share`` is out of range, or, at the first step, the teacher predicts other maps than the student.
        WeightsError: At the first step: the weights are not the teacher's.
    """

    def __init__(self, teacher_config: str | dict, teacher_ckpt: str, share: float = 0.5, **kwargs) -> None:
        if not 0 < share <= 1:
            raise ValueError(f'TaughtLocalizer: expected a share above 0, up to 1, got {share}')
        super().__init__(**kwargs)
        self.teacher_config, self.teacher_ckpt, self.share = teacher_config, teacher_ckpt, share
        self._teacher = ()  # in a tuple, as modules of a module become part of its weights

    @property
    def teacher(self) -> CrowdLocalizer:
        """The teacher, in evaluation mode, without gradients."""
        if not self._teacher:
            config = self.teacher_config
            model = Config.fromfile(config).model if isinstance(config, str | Path) else config
            teacher = MODELS.build(model).eval().requires_grad_(False)
            load_weights(teacher, read_weights(self.teacher_ckpt), self.teacher_ckpt)
            ours, theirs = self.bbox_head.codec, teacher.bbox_head.codec
            if ours.stride != theirs.stride or not ours.names or not set(ours.names) <= set(theirs.predicted):
                raise ValueError(
                    f'TaughtLocalizer: the student learns {list(ours.names)} at stride {ours.stride}, but the teacher '
                    f'({self.teacher_ckpt}) predicts {list(theirs.predicted)} at stride {theirs.stride}'
                )
            self._teacher = (teacher,)
        return self._teacher[0]

    def loss(self, batch_inputs: Tensor, batch_data_samples: SampleList) -> dict[str, Tensor]:
        """Losses of a batch, after the teacher has put its maps into the targets."""
        self.teach(batch_inputs, batch_data_samples)
        return super().loss(batch_inputs, batch_data_samples)

    @torch.no_grad()
    def teach(self, batch_inputs: Tensor, batch_data_samples: SampleList) -> None:
        """Mix the teacher's maps into the target maps of samples, which change.

        Args:
            batch_inputs (Tensor): (B, 3, H, W), normalised for the student.
            batch_data_samples (list[DetDataSample]): With target maps, unless the share is 1.
        """
        teacher = self.teacher.to(batch_inputs.device)
        head, codec = self.bbox_head, teacher.bbox_head.codec
        shapes = [tuple(sample.metainfo['img_shape'][:2]) for sample in batch_data_samples]
        maps = teacher.predict_maps(self._renormalise(batch_inputs, shapes)).float()
        channels = [codec.predicted.index(name) for name in head.codec.names]
        heads = codec.decode(maps, shapes) if self.share == 1 else shapes
        for sample, image, shape, found in zip(batch_data_samples, maps, shapes, heads, strict=True):
            rows, columns = head.codec.map_shape(shape)
            target = image[channels, :rows, :columns]
            if self.share == 1:
                sample.gt_instances = InstanceData(points=found.points)
            else:
                target = torch.lerp(head.target_of(sample, shape).to(target), target, self.share)
            sample.set_field(PixelData(**dict(zip(head.codec.names, target[:, None], strict=True))), head.field)

    def _renormalise(self, inputs: Tensor, shapes: Sequence[tuple[int, int]]) -> Tensor:
        """Inputs as the teacher's own preprocessor would have made them, zero beyond each image."""
        ours, theirs = self.data_preprocessor, self.teacher.data_preprocessor
        images = inputs * ours.std + ours.mean
        if ours._channel_conversion != theirs._channel_conversion:
            images = images[:, [2, 1, 0]]
        return (images - theirs.mean) / theirs.std * valid_mask(inputs, shapes, 1)
