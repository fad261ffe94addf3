"""IIM's heads: a confidence map, a threshold map and the losses that train them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from mmdet.structures import SampleList
from mmengine.model import Sequential
from torch import Tensor

from mmcrowd.models.layers import binarize, deconv_layers, light_layers
from mmcrowd.registry import MODELS

from .map_head import CrowdMapHead


class BaseInstanceMapHead(CrowdMapHead):
    """What heads that predict independent instance maps share.

    The confidence map is trained towards the instance map by ``loss_map``; the binary map, where the confidence
    reaches the threshold, by ``loss_binary``. The threshold encoder sees features and confidence without sending
    gradients back: it learns from the binary map alone.

    Args:
        layers (Sequential): Features (B, C, h, w) -> confidence logits (B, 1, H, W).
        codec (dict): A :class:`mmcrowd.codecs.InstanceMapCodec` with the stride of the confidence map.
        threshold_encoder (dict): :class:`mmcrowd.models.PixelThresholdEncoder` (PBM),
            :class:`mmcrowd.models.ImageThresholdEncoder` (IBM) or :class:`mmcrowd.models.FixedThreshold`.
        loss_map (dict): Loss of the confidence map, in :class:`CrowdMapHead`'s form.
        loss_binary (dict, optional): Loss of the binary map; None for none, where the threshold is fixed.
        input_grad_scale (float): Share of the binary map's gradient that the confidence map gets.
        binary_grad_to_cp (bool): Whether ``loss_binary`` trains the confidence predictor, too.
        **kwargs: Passed to :class:`CrowdMapHead`.

    Raises:
        ValueError: A learnt threshold has no ``loss_binary`` to learn from, or the codec has other maps.
    """

    def __init__(
        self,
        layers: Sequential,
        codec: dict,
        threshold_encoder: dict,
        loss_map: dict = dict(type='mmcrowd.MapMSELoss', normalizer='mean'),
        loss_binary: dict | None = dict(type='mmcrowd.MapL1Loss'),
        input_grad_scale: float = 0.2,
        binary_grad_to_cp: bool = True,
        **kwargs,
    ) -> None:
        super().__init__(codec, dict(map=loss_map) | (dict(binary=loss_binary) if loss_binary else {}), **kwargs)
        if self.codec.names != ('instance',):
            raise ValueError(
                f'{type(self).__name__} predicts the map of InstanceMapCodec, but its codec is '
                f'{type(self.codec).__name__} with the maps {list(self.codec.names)}'
            )
        self.layers = layers
        self.threshold_encoder = MODELS.build(threshold_encoder)
        if loss_binary is None and any(p.requires_grad for p in self.threshold_encoder.parameters()):
            raise ValueError(
                f'{type(self).__name__}: {type(self.threshold_encoder).__name__} learns from loss_binary, which is '
                'None: give one, or use FixedThreshold'
            )
        self.input_grad_scale, self.binary_grad_to_cp = input_grad_scale, binary_grad_to_cp

    def forward(self, x: Sequence[Tensor]) -> tuple[Tensor]:
        """Features (B, C, h, w) of the neck's first level -> (B, 2, H, W) float32: confidence and threshold, (0, 1)."""
        confidence = self.layers(x[0]).float().sigmoid()
        threshold = self.threshold_encoder(x[0].detach(), confidence.detach())
        return (torch.cat([confidence, threshold], dim=1),)

    def loss_by_feat(self, pred: Tensor, batch_data_samples: SampleList) -> dict[str, Tensor]:
        """Losses of a batch; see :meth:`CrowdMapHead.loss_by_feat`.

        Args:
            pred (Tensor): (B, 2, H, W) as :meth:`forward` gives it.
            batch_data_samples (list[DetDataSample]): Targets.

        Returns:
            dict[str, Tensor]: Scalars ``loss_map`` and ``loss_binary``, and without gradients the monitored
            ``threshold_on_heads`` and ``threshold_on_background``, each where the batch has any.
        """
        maps = self.match_targets(pred, batch_data_samples)
        confidence, threshold = maps.pred.split(1, dim=1)
        results = dict(loss_map=self.losses['loss_map'](replace(maps, pred=confidence)))
        if 'loss_binary' in self.losses:
            source = confidence if self.binary_grad_to_cp else confidence.detach()
            binary = binarize(source, threshold, self.input_grad_scale)
            results['loss_binary'] = self.losses['loss_binary'](replace(maps, pred=binary))
        heads = maps.target > 0
        for name, region in (('heads', heads), ('background', ~heads)):
            if len(values := threshold.detach()[region & maps.counted]):
                results[f'threshold_on_{name}'] = values.mean()
        return results


@MODELS.register_module()
class InstanceMapHead(BaseInstanceMapHead):
    """IIM's head: 1x1 convolution, then two deconvolutions to full resolution, sigmoid; and a threshold encoder.

    Source: Gao et al., "Learning Independent Instance Maps for Crowd Localization". Without the encoder it has
    1,379,649 parameters behind the 768 channels of VGG-16 and its pyramid, and 1,258,929 behind the 720 of HRNet-W48.
    The map has ``2**len(deconv_channels)`` times the size of the features.

    Args:
        codec (dict): An InstanceMapCodec with the stride of the map: 1 where the features have stride 4.
        in_channels (int): Channels of the features.
        deconv_channels (sequence of int): Output channels of the k4 s2 p1 deconvolutions; the last must be 1.
        threshold_encoder (dict): What predicts the thresholds, from the same features.
        norm_cfg (dict): Normalisation after the 1x1 convolution.
        layers_init_cfg (dict, optional): Initialisation of the confidence map's layers. Default: convolutions N(0,
            0.01), as released with VGG (with HRNet: 0.001); deconvolutions have PyTorch's own.
        **kwargs: Passed to :class:`BaseInstanceMapHead`.
    """

    def __init__(
        self,
        codec: dict,
        in_channels: int = 768,
        deconv_channels: Sequence[int] = (64, 1),
        threshold_encoder: dict = dict(type='mmcrowd.PixelThresholdEncoder', in_channels=768),
        norm_cfg: dict = dict(type='BN'),
        layers_init_cfg: dict | None = dict(type='Normal', layer='Conv2d', std=0.01),
        **kwargs,
    ) -> None:
        if not deconv_channels or deconv_channels[-1] != 1:
            raise ValueError(
                f'InstanceMapHead: the last deconvolution makes the confidence map, but deconv_channels is '
                f'{tuple(deconv_channels)}, expected a 1 at its end'
            )
        layers = deconv_layers(in_channels, deconv_channels, norm_cfg, layers_init_cfg)
        super().__init__(layers, codec, threshold_encoder, **kwargs)
        self.in_channels = in_channels


@MODELS.register_module()
class InstanceMapLiteHead(BaseInstanceMapHead):
    """A light head at the resolution of its features: two 3x3 convolutions, sigmoid; and a threshold encoder.

    Args:
        codec (dict): An InstanceMapCodec with the stride of the features.
        in_channels (int): Channels of the features.
        threshold_encoder (dict): What predicts the thresholds, from the same features. Its ``block`` counts cells of
            this map: at stride 2, the published 8 pixels are 4.
        norm_cfg (dict): Normalisation of the first convolution.
        **kwargs: Passed to :class:`BaseInstanceMapHead`.
    """

    def __init__(
        self,
        codec: dict,
        in_channels: int = 32,
        threshold_encoder: dict = dict(
            type='mmcrowd.PixelThresholdEncoder', in_channels=32, channels=(64, 32, 16), block=4
        ),
        norm_cfg: dict = dict(type='BN'),
        **kwargs,
    ) -> None:
        super().__init__(light_layers(in_channels, norm_cfg), codec, threshold_encoder, **kwargs)
        self.in_channels = in_channels
