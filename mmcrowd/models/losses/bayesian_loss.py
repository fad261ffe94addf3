"""Bayesian loss: a density is taught the count of every head, without a map to imitate."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmcrowd.models.map_targets import MapTargets, check_normalizer
from mmcrowd.registry import MODELS


def posteriors(cells: Tensor, points: Tensor, sigma: float, background: float | None) -> Tensor:
    """Probability that what a cell counts belongs to each head.

    Args:
        cells: (M, 2) xy centres, pixels.
        points: (N, 2) xy, pixels, N >= 1.
        sigma: Standard deviation of the Gaussian around a head, pixels.
        background: Distance from its nearest head at which a cell belongs to the background as a head's own place
            belongs to the head, pixels; None for no background.

    Returns:
        (N, M) that sum to 1 over heads, (N + 1, M) with the background as the last row.
    """
    distance = torch.cdist(points, cells, compute_mode='donot_use_mm_for_euclid_dist')
    if background is not None:
        distance = torch.cat([distance, background - distance.amin(dim=0, keepdim=True)])
    return (-distance.square() / (2 * sigma**2)).softmax(dim=0)


@MODELS.register_module()
class BayesianLoss(nn.Module):
    r"""Absolute error of the count that a density gives to each head, and to the background.

    Source: Ma et al., "Bayesian Loss for Crowd Count Estimation with Point Supervision". A head's expected count is the
    sum of the density, each cell weighted by the probability that it belongs to this head
    (:func:`posteriors`); it should be 1, and that of the background 0. An image without heads should count 0.

    Memory is proportional to heads times cells: it is meant for crops at stride 8.

    Args:
        sigma (float): Standard deviation of the likelihood around a head, pixels.
        background (float, optional): Distance of the background to the nearest head, relative to the shorter side of
            the image; None for no background. The paper has 0.15, its released code 1.
        normalizer (str): 'batch' averages over images, as released; others as in :class:`MapMSELoss`.
        loss_weight (float): Factor of the loss.
    """

    def __init__(
        self,
        sigma: float = 8.0,
        background: float | None = 0.15,
        normalizer: str = 'batch',
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if not sigma > 0 or (background is not None and not background > 0):
            raise ValueError(f'BayesianLoss: sigma and background must be positive, got {sigma} and {background}')
        self.sigma, self.background = sigma, background
        self.normalizer, self.loss_weight = check_normalizer(self, normalizer), loss_weight

    def forward(self, maps: MapTargets) -> Tensor:
        """Compute the loss, a scalar."""
        with torch.autocast(maps.pred.device.type, enabled=False):
            images = zip(maps.pred[:, 0].float(), maps.points, maps.valid[:, 0], maps.counted[:, 0], strict=True)
            total = sum(self._of_image(*image, maps.stride) for image in images)
            return self.loss_weight * total / maps.divisor(self.normalizer)

    def _of_image(self, density: Tensor, points: Tensor, valid: Tensor, counted: Tensor, stride: int) -> Tensor:
        """Sum of the errors of one image."""
        if len(points) == 0:
            return (density * counted).sum().abs()
        row, column = counted.nonzero(as_tuple=True)
        cells = (torch.stack([column, row], dim=1) + 0.5) * stride
        side = stride * min(int(valid.any(dim).sum()) for dim in (0, 1))
        background = None if self.background is None else self.background * side
        with torch.no_grad():
            shares = posteriors(cells.to(density), points.to(density), self.sigma, background)
        counts = shares @ density[counted]
        return (counts[: len(points)] - 1).abs().sum() + counts[len(points) :].abs().sum()
