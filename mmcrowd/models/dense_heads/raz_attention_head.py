"""Head of the zooming branch of RAZ-Net."""

from __future__ import annotations

from mmcv.cnn import ConvModule
from mmdet.structures import SampleList
from mmengine.model import Sequential
from torch import Tensor

from mmcrowd.models.layers import Float32Conv2d
from mmcrowd.registry import MODELS

from .map_head import CrowdMapHead


@MODELS.register_module()
class RAZAttentionHead(CrowdMapHead):
    """Two 3x3 convolutions and a 1x1 to the attention: where heads are so dense that it should be looked again.

    Source: Liu, Weng and Mu, "Recurrent Attentive Zooming for Joint Crowd Counting and Precise Localization", section
    3.3; its layers and its loss are not published: these are ours, with a squared error of the probability.

    Args:
        in_channels (int): Channels of the last features of the other branches: counting and localization in Main-Net
            (64 and 64), localization alone in the network that looks again.
        feat_channels (int): Width of the convolutions.
        **kwargs: Passed to :class:`CrowdMapHead`; its codec is an AttentionCodec.
    """

    def __init__(self, in_channels: int = 128, feat_channels: int = 64, **kwargs) -> None:
        super().__init__(**kwargs)
        self.in_channels = in_channels
        self.layers = Sequential(
            ConvModule(in_channels, feat_channels, 3, padding=1), ConvModule(feat_channels, feat_channels, 3, padding=1)
        )
        self.output = Float32Conv2d(feat_channels, 1, 1)

    def forward(self, x: tuple[Tensor]) -> tuple[Tensor]:
        """Features (B, in_channels, h, w) of the attention's stride -> logits (B, 1, h, w) float32."""
        return (self.output(self.layers(x[0])),)

    def to_maps(self, pred: Tensor) -> Tensor:
        """Logits -> attention in [0, 1]."""
        return pred.sigmoid()

    def loss_by_feat(self, pred: Tensor, batch_data_samples: SampleList) -> dict[str, Tensor]:
        """As :meth:`CrowdMapHead.loss_by_feat`, of the attention that the logits say."""
        return super().loss_by_feat(pred.sigmoid(), batch_data_samples)
