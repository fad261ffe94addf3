"""Structural similarity losses: per head (I-SSIM) and global."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcrowd.registry import MODELS

C1, C2 = 0.01**2, 0.03**2


def ssim_index(mu_x: Tensor, mu_y: Tensor, var_x: Tensor, var_y: Tensor, cov: Tensor) -> Tensor:
    """SSIM from local statistics (Wang et al. 2004; FIDTM eq. 5), any common shape."""
    return ((2 * mu_x * mu_y + C1) * (2 * cov + C2)) / ((mu_x.square() + mu_y.square() + C1) * (var_x + var_y + C2))


def gaussian_ssim_map(x: Tensor, y: Tensor, valid: Tensor, window: int = 11, sigma: float = 1.5) -> Tensor:
    """SSIM at every cell under a Gaussian window that ignores padding.

    Args:
        x (Tensor): (B, 1, h, w) float32.
        y (Tensor): (B, 1, h, w) float32.
        valid (Tensor): (B, 1, h, w) bool; the window is re-normalised over the valid cells it covers.
        window (int): Odd side of the window, cells.
        sigma (float): Standard deviation, cells.

    Returns:
        Tensor: (B, 1, h, w); meaningless where ``valid`` is False.
    """
    axis = torch.arange(window, device=x.device, dtype=x.dtype) - window // 2
    kernel = torch.exp(-axis.square() / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    mask = valid.to(x.dtype)
    # Centring on a constant leaves variances and covariances as they are and keeps float32 from cancelling.
    size = mask.sum((1, 2, 3), keepdim=True).clamp(min=1)
    centre = ((x.detach() + y) * mask).sum((1, 2, 3), keepdim=True) / (2 * size)
    u, v = (x - centre) * mask, (y - centre) * mask
    stack = torch.cat([mask, u, v, u * u, v * v, u * v])
    stack = F.conv2d(stack, kernel.view(1, 1, 1, -1), padding=(0, window // 2))
    stack = F.conv2d(stack, kernel.view(1, 1, -1, 1), padding=(window // 2, 0))
    weight, u, v, uu, vv, uv = stack.chunk(6)
    weight = weight.clamp(min=1e-12)
    u, v, uu, vv, uv = (t / weight for t in (u, v, uu, vv, uv))
    return ssim_index(u + centre, v + centre, uu - u * u, vv - v * v, uv - u * v)


@MODELS.register_module()
class SSIMLoss(nn.Module):
    """1 - mean SSIM over the valid map, 11x11 Gaussian window (the global loss of FIDTM's table X).

    Args:
        window (int): Window side, cells.
        sigma (float): Standard deviation of the window, cells.
        loss_weight (float): Factor of the loss.
    """

    def __init__(self, window: int = 11, sigma: float = 1.5, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.window, self.sigma, self.loss_weight = window, sigma, loss_weight

    def forward(
        self, pred: Tensor, target: Tensor, valid: Tensor, cells: Sequence[Tensor], avg_factor: Tensor
    ) -> Tensor:
        """Compute the loss; arguments as in :meth:`MapMSELoss.forward`."""
        with torch.autocast(pred.device.type, enabled=False):
            ssim = gaussian_ssim_map(pred.float(), target.float(), valid, self.window, self.sigma)
            return self.loss_weight * ((1 - ssim) * valid).sum() / valid.sum().clamp(min=1)


@MODELS.register_module()
class InstanceSSIMLoss(nn.Module):
    r"""I-SSIM: 1 - SSIM of the region around each head, averaged over heads (FIDTM eqs. 6 and 7).

    The paper leaves details open. Here a region spans the cells ``floor(x) - r // 2 ... floor(x) + r - 1 - r // 2``
    and the same rows, clipped to the valid map: statistics use the remaining cells, never zeros. All heads of a
    batch are gathered at once.

    Args:
        region (int): Side of the region, cells (30 pixels in the paper).
        window (str): 'region' for one mean, variance and covariance per region with uniform weights (eq. 5 taken
            literally), 'gauss11' for the mean of the usual 11x11 Gaussian SSIM map over the region.
        loss_weight (float): Factor of the loss.
    """

    def __init__(self, region: int = 30, window: str = 'region', loss_weight: float = 1.0) -> None:
        super().__init__()
        if window not in ('region', 'gauss11'):
            raise ValueError(f"InstanceSSIMLoss: window must be 'region' or 'gauss11', got {window!r}")
        if region < 2:
            raise ValueError(f'InstanceSSIMLoss: region must span at least 2 cells, got {region}')
        self.region, self.window, self.loss_weight = region, window, loss_weight

    def forward(
        self, pred: Tensor, target: Tensor, valid: Tensor, cells: Sequence[Tensor], avg_factor: Tensor
    ) -> Tensor:
        """Compute the loss.

        Args:
            pred (Tensor): (B, 1, h, w).
            target (Tensor): (B, 1, h, w).
            valid (Tensor): (B, 1, h, w) bool, False on padding; must be a top-left rectangle per image.
            cells (sequence of Tensor): One (N, 2) long tensor per image: column and row of each head, inside the
                valid map.
            avg_factor (Tensor): Heads per process, at least 1; divides the sum over heads.

        Returns:
            Tensor: Scalar; 0 with a gradient when there is no head.
        """
        with torch.autocast(pred.device.type, enabled=False):
            pred, target = pred.float(), target.float()
            if sum(len(c) for c in cells) == 0:
                return pred.sum() * 0
            index, inside = self._regions(cells, valid)
            if self.window == 'gauss11':
                ssim = gaussian_ssim_map(pred, target, valid).flatten()[index]
                ssim = (ssim * inside).sum(1) / inside.sum(1)
            else:
                ssim = self._region_ssim(pred.flatten()[index], target.flatten()[index], inside.to(pred.dtype))
            return self.loss_weight * (1 - ssim).sum() / avg_factor

    def _regions(self, cells: Sequence[Tensor], valid: Tensor) -> tuple[Tensor, Tensor]:
        """Flat map indices (N, region^2) of every head's region and which of them are valid."""
        height, width = valid.shape[-2:]
        image = torch.cat([c.new_full((len(c),), i) for i, c in enumerate(cells)])
        centre = torch.cat(list(cells))
        offset = torch.arange(self.region, device=valid.device) - self.region // 2
        cols, rows = centre[:, :1] + offset, centre[:, 1:] + offset
        limit_w = valid[:, 0, 0].sum(-1)[image, None]
        limit_h = valid[:, 0, :, 0].sum(-1)[image, None]
        inside = ((rows >= 0) & (rows < limit_h))[:, :, None] & ((cols >= 0) & (cols < limit_w))[:, None, :]
        cols, rows = cols.clamp(0, width - 1), rows.clamp(0, height - 1)
        index = (image[:, None, None] * height + rows[:, :, None]) * width + cols[:, None, :]
        return index.flatten(1), inside.flatten(1)

    @staticmethod
    def _region_ssim(x: Tensor, y: Tensor, weight: Tensor) -> Tensor:
        """SSIM of (N, K) patches under 0/1 weights, population statistics, two passes."""
        size = weight.sum(1)
        mu_x, mu_y = (x * weight).sum(1) / size, (y * weight).sum(1) / size
        dx, dy = (x - mu_x[:, None]) * weight, (y - mu_y[:, None]) * weight
        return ssim_index(mu_x, mu_y, dx.square().sum(1) / size, dy.square().sum(1) / size, (dx * dy).sum(1) / size)
