"""Structural similarity losses: per head (I-SSIM) and global."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcrowd.models.map_targets import MapTargets
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


class Regions(NamedTuple):
    """Rectangles of a batch of maps, (N,) long each: image, first column and row, last column and row + 1."""

    image: Tensor
    x0: Tensor
    y0: Tensor
    x1: Tensor
    y1: Tensor


class _RegionSums(torch.autograd.Function):
    """Sums of (K, B, h, w) maps over N rectangles, (K, N).

    A row of a rectangle is a difference of two running sums, so the work grows with its height, not with its area. The
    gradient is the transpose: +g and -g at both ends of every row, summed up along the rows.
    """

    @staticmethod
    def forward(ctx, maps: Tensor, regions: Regions) -> Tensor:
        height, width = maps.shape[-2:]
        running = maps.new_zeros(*maps.shape[:-1], width + 1)
        torch.cumsum(maps, -1, out=running[..., 1:])
        running = running.flatten(1)
        rows = regions.y0[:, None] + torch.arange(int((regions.y1 - regions.y0).max()), device=maps.device)
        inside = rows < regions.y1[:, None]
        base = (regions.image[:, None] * height + rows)[inside] * (width + 1)
        head = torch.arange(len(rows), device=maps.device)[:, None].expand_as(rows)[inside]
        left, right = base + regions.x0[head], base + regions.x1[head]
        ctx.save_for_backward(left, right, head)
        ctx.shape = maps.shape
        sums = maps.new_zeros(len(maps), len(rows))
        return sums.index_add_(1, head, running[:, right] - running[:, left])

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:
        left, right, head = ctx.saved_tensors
        count, *batch, width = ctx.shape
        ends = grad.new_zeros(count, batch[0] * batch[1] * (width + 1))
        for one, values in zip(ends, grad[:, head], strict=True):
            one.scatter_add_(0, left, values).scatter_add_(0, right, -values)
        return ends.view(count, *batch, width + 1).cumsum_(-1)[..., :width], None


def region_means(maps: Tensor, regions: Regions) -> Tensor:
    """Means of (K, B, 1, h, w) maps over rectangles, (K, N)."""
    area = (regions.x1 - regions.x0) * (regions.y1 - regions.y0)
    return _RegionSums.apply(maps[:, :, 0], regions) / area


@MODELS.register_module()
class SSIMLoss(nn.Module):
    """1 - mean SSIM over the map, padding and ignored regions excluded; the global loss of FIDTM's table X.

    Args:
        window (int): Side of the Gaussian window, cells.
        sigma (float): Standard deviation of the window, cells.
        loss_weight (float): Factor of the loss.
    """

    def __init__(self, window: int = 11, sigma: float = 1.5, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.window, self.sigma, self.loss_weight = window, sigma, loss_weight

    def forward(self, maps: MapTargets) -> Tensor:
        """Compute the loss, a scalar."""
        with torch.autocast(maps.pred.device.type, enabled=False):
            counted = maps.counted
            ssim = gaussian_ssim_map(maps.pred.float(), maps.target.float(), counted, self.window, self.sigma)
            return self.loss_weight * ((1 - ssim) * counted).sum() / counted.sum().clamp(min=1)


@MODELS.register_module()
class InstanceSSIMLoss(nn.Module):
    r"""I-SSIM: 1 - SSIM of the region around each head, averaged over heads (FIDTM eqs. 6 and 7).

    The paper leaves details open. Here a region spans the cells ``floor(x) - r // 2 ... floor(x) + r - 1 - r // 2``
    and the same rows, clipped to the valid map: statistics use the remaining cells, never zeros.

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

    def forward(self, maps: MapTargets) -> Tensor:
        """Compute the loss, a scalar; 0 with a gradient when there is no head."""
        with torch.autocast(maps.pred.device.type, enabled=False):
            target, cells = maps.target.float(), maps.cells
            if sum(map(len, cells)) == 0:
                return maps.pred.float().sum() * 0
            # What stands in an ignored region counts as right: it may be heads that nobody annotated.
            pred = torch.where(maps.counted, maps.pred.float(), target)
            regions = self._regions(maps.valid, cells)
            if self.window == 'gauss11':
                ssim = region_means(gaussian_ssim_map(pred, target, maps.valid)[None], regions)[0]
            else:
                # Differences of running sums, and of mean squares, are too coarse in float32 for small or flat regions.
                x, y = (pred * maps.valid).double(), (target * maps.valid).double()
                mx, my, xx, yy, xy = region_means(torch.stack([x, y, x * x, y * y, x * y]), regions)
                ssim = ssim_index(mx, my, xx - mx * mx, yy - my * my, xy - mx * my).float()
            return self.loss_weight * (1 - ssim).sum() / maps.num_heads

    def _regions(self, valid: Tensor, cells: Sequence[Tensor]) -> Regions:
        """Clip every head's region to the valid map of its image."""
        image = torch.cat([c.new_full((len(c),), i) for i, c in enumerate(cells)])
        start = torch.cat(list(cells)) - self.region // 2
        limit = torch.stack([valid[:, 0, 0].sum(-1), valid[:, 0, :, 0].sum(-1)], dim=1)[image]
        stop = torch.minimum(start + self.region, limit)
        return Regions(image, *start.clamp(min=0).unbind(1), *stop.unbind(1))
