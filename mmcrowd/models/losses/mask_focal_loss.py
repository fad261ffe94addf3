"""Mask Focal Loss: a focal loss whose positives may be soft."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmdet.models.losses import weight_reduce_loss
from torch import Tensor, nn

from mmcrowd.registry import MODELS

ROUNDING = 1e-3
"""How far a target or a probability may lie outside [0, 1], for those made in half precision; it is clamped."""
MIN_PROBABILITY = 1e-12
MAX_LOGIT = 1e6
"""What an infinite logit counts as."""
_HAS_ASYNC_CHECK = hasattr(torch.ops.aten._assert_async, 'msg')  # torch >= 2.1


def distance_from_logits(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    r"""D = \|p - q\| and log(1 - D) of q = sigmoid(x), without cancellation or underflow.

    With s the logistic function, 1 - D is a sum of two positive terms: (1 - p) + s(x) where q <= p, p + s(-x) where
    q > p. The logarithm of either is a ``logaddexp`` that stays finite for every finite x, and is ``logsigmoid`` for p
    in {0, 1}.

    Args:
        logits (Tensor): x, any shape.
        target (Tensor): p in [0, 1], same shape.

    Returns:
        tuple[Tensor, Tensor]: D in [0, 1] and log(1 - D) <= 0, same shape.
    """
    # The smaller of q and 1 - q keeps its precision where the other one rounds to 1.
    upper = logits > 0
    small = torch.sigmoid(torch.where(upper, -logits, logits))
    rest = torch.where(upper, 1 - target, target)
    distance = (rest - small).abs()
    above = (small > rest) ^ upper
    base = torch.where(above, target.log(), torch.log1p(-target))
    log_closeness = torch.logaddexp(base, F.logsigmoid(torch.where(above, -logits, logits)))
    return distance, log_closeness.clamp(max=0)


def distance_from_probabilities(prob: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    r"""D = \|p - q\| and log(1 - D) of probabilities q, with 1 - D clamped at 1e-12.

    A sigmoid of float32 is 1 from logit 17 on: what it has rounded away cannot be had back. Below the clamp the loss is
    constant and its gradient zero, as the sigmoid's own gradient is. Prefer logits.

    Args:
        prob (Tensor): q in [0, 1], any shape.
        target (Tensor): p in [0, 1], same shape.

    Returns:
        tuple[Tensor, Tensor]: D >= 0 and log(1 - D) <= 0, same shape.
    """
    closeness = torch.where(prob > target, target + (1 - prob), (1 - target) + prob)
    return (target - prob).abs(), closeness.clamp(MIN_PROBABILITY, 1).log()


@MODELS.register_module()
class MaskFocalLoss(nn.Module):
    r"""Mask Focal Loss L_m, its poly form L_m^P1, and the focal losses they grow from.

    With target p, prediction q, D = \|p - q\|, gamma, beta and the factor e = ``poly``, per element::

        mask = 1:  p^beta * (-D^gamma log(1 - D) + e D^(gamma + 1))
        mask = 0:  (1 - p)^negative_beta * (-q^gamma log(1 - q) + e q^(gamma + 1))

    These are the equations of the Mask Focal Loss paper:

    * eq. 7, L_m^P1: the default. As printed, p^beta is on the poly term only, against eq. 6 and against its
      purpose (a corner of a box where p = 0.1 would count in full): that is ``beta_on='poly'``.
    * eq. 6, L_m: ``poly=0``.
    * eq. 2, L_f, focal loss: ``poly=0, beta=0, gamma=2``. Binary targets make p^beta and the mask void.
    * eq. 3, L_h, CenterNet's loss: ``poly=0, beta=0, gamma=2, mask='peak', negative_beta=4``.
    * eq. 5, L_f^P1: any of the last two with ``poly=1``.

    The paper's alpha is ``loss_weight``, one factor for both signs: L_f is twice mmdet's ``FocalLoss(alpha=0.5)``.

    It takes the place of ``loss_cls`` in mmdet's dense heads (FCOS, RetinaNet, FoveaBox and their kin) and of
    ``loss_obj`` in YOLOX (with ``reduction='sum'``). It does not fit the box heads of two-stage detectors, which have a
    background channel and are refused. Everything is computed in float32, in float64 for a float64 ``pred``.

    Args:
        use_sigmoid (bool): Must be written, and True: mmdet's heads read it from the config, and would train a second
            channel for the background without it.
        gamma (float): Exponent of D, >= 0.
        beta (float): Exponent of p inside the mask, >= 0; 0 for no such factor.
        poly (float): Factor of the poly term, epsilon_1 of PolyLoss, >= 0; 0 turns it off.
        beta_on (str): What p^beta multiplies: 'both' terms, the 'poly' term (eq. 7 as printed) or the 'log' term.
        mask (str): Where the mask is 1: 'support' for p > 0, 'peak' for p == 1.
        negative_beta (float): Exponent of 1 - p outside the mask, >= 0; 0 for no such factor.
        activated (bool): Whether predictions are probabilities instead of logits.
        reduction (str): 'none', 'mean' or 'sum'.
        loss_weight (float): Factor of the loss.

    Raises:
        ValueError: ``use_sigmoid`` is missing or not True, or an option is out of range.
    """

    def __init__(
        self,
        use_sigmoid: bool | None = None,
        gamma: float = 4.0,
        beta: float = 0.5,
        poly: float = 1.0,
        beta_on: str = 'both',
        mask: str = 'support',
        negative_beta: float = 0.0,
        activated: bool = False,
        reduction: str = 'mean',
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if use_sigmoid is not True:
            found = 'is missing' if use_sigmoid is None else f'is {use_sigmoid!r}'
            raise ValueError(
                f"MaskFocalLoss: use_sigmoid {found}: write use_sigmoid=True into the loss's config. mmdet's heads "
                'read it there, and without it they train an extra channel for the background'
            )
        exponents = dict(gamma=gamma, beta=beta, poly=poly, negative_beta=negative_beta)
        for name, value in exponents.items():
            if not 0 <= value < float('inf'):
                raise ValueError(f'MaskFocalLoss: {name} must be a number >= 0, got {value!r}')
        _check_option('beta_on', beta_on, ('both', 'poly', 'log'))
        _check_option('mask', mask, ('support', 'peak'))
        _check_option('reduction', reduction, ('none', 'mean', 'sum'))
        self.use_sigmoid, self.activated = True, activated
        self.gamma, self.beta, self.poly, self.negative_beta = map(float, exponents.values())
        self.beta_on, self.mask = beta_on, mask
        self.reduction, self.loss_weight = reduction, loss_weight

    custom_cls_channels = True
    """Makes mmdet's box heads of RoIs ask for :meth:`get_cls_channels`, and its dense heads for the activation."""

    @staticmethod
    def get_activation(cls_score: Tensor) -> Tensor:
        """Logits -> probabilities."""
        return cls_score.sigmoid()

    def get_cls_channels(self, num_classes: int) -> int:
        """Refuse the RoI head that asks.

        Raises:
            ValueError: Always.
        """
        raise ValueError(
            'MaskFocalLoss decides per class and cell in dense heads; the box head of a two-stage detector has a '
            f'background channel beside its {num_classes} classes, which would be trained as a class of its own: keep '
            'its loss_cls, and give MaskFocalLoss to the RPN or to a dense detector'
        )

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | Tensor | None = None,
        reduction_override: str | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Compute the loss.

        Args:
            pred (Tensor): (M, C) or (B, C, ...) logits, probabilities if ``activated``. Infinite logits count as 1e6.
            target (Tensor): Class indices, an integer tensor of ``pred``'s shape without C, with C for the background;
                or a heat map in [0, 1] of ``pred``'s shape. No gradient flows into it.
            weight (Tensor, optional): Factor of every element: ``pred``'s shape, the same without C, or any shape that
                broadcasts to ``pred``'s, e.g. (B, 1, h, w) False on padding.
            avg_factor (float or Tensor, optional): What the sum is divided by instead of the number of elements.
            reduction_override (str, optional): Used instead of ``reduction``.
            mask (Tensor, optional): Mask used instead of the one made from ``target``; shapes as of ``weight``.

        Returns:
            Tensor: Scalar, or ``pred``'s shape for reduction 'none'; 0 with a gradient for no elements.

        Raises:
            ValueError: Shapes do not fit, class indices are outside [0, C], or heat or probabilities are outside
                [0, 1] or NaN (1e-3 of rounding is clamped). CUDA checks values without waiting for the device, and
                reports bad ones as a device-side assertion with the same message. A NaN in ``pred`` is no error: it
                makes the loss NaN, for the runner to see.
        """
        reduction = self.reduction if reduction_override is None else reduction_override
        _check_option('reduction_override', reduction, ('none', 'mean', 'sum'))
        with torch.autocast(pred.device.type, enabled=False):
            pred = pred.to(torch.promote_types(pred.dtype, torch.float32))
            # Infinite logits, an overflow in half precision, count as very large ones: no gradient, but no NaN either.
            pred = pred if self.activated else pred.nan_to_num(torch.nan, MAX_LOGIT, -MAX_LOGIT)
            heat = to_heat(target.detach(), pred)
            if mask is not None:
                inside = _align('mask', mask, pred) > 0
            else:
                inside = heat > 0 if self.mask == 'support' else heat == 1
            loss = self._elements(pred, heat, inside)
            if weight is not None:
                loss = loss * _align('weight', weight, pred)
            if loss.numel() == 0 and reduction == 'mean':
                return loss.sum()
            return self.loss_weight * weight_reduce_loss(loss, None, reduction, avg_factor)

    def _elements(self, pred: Tensor, heat: Tensor, inside: Tensor) -> Tensor:
        """Loss of every element, unweighted: (M, C) predictions, heat in [0, 1] and bool mask of the same shape."""
        expected = heat * inside
        if self.activated:
            in_range = (pred >= -ROUNDING) & (pred <= 1 + ROUNDING)
            _check(in_range | pred.isnan(), pred, 'with activated=True pred must be probabilities in [0, 1]')
            distance, log_closeness = distance_from_probabilities(pred, expected)
        else:
            distance, log_closeness = distance_from_logits(pred, expected)
        # Of D^gamma with gamma < 1 the gradient at D = 0 is infinite, of its product with log(1 - D) it is 0.
        focus = distance.clamp(min=torch.finfo(distance.dtype).tiny).pow(self.gamma)
        soft = torch.where(inside, heat.pow(self.beta), 1.0)
        log_term = -log_closeness * (1.0 if self.beta_on == 'poly' else soft)
        poly_term = self.poly * distance * (1.0 if self.beta_on == 'log' else soft)
        outside = torch.where(inside, 1.0, (1 - heat).pow(self.negative_beta))
        return outside * focus * (log_term + poly_term)


def to_heat(target: Tensor, pred: Tensor) -> Tensor:
    """Turn class indices or a heat map into heat of the shape and type of ``pred``.

    Args:
        target (Tensor): As in :meth:`MaskFocalLoss.forward`. Integers of ``pred``'s shape are a heat map of 0 and 1.
        pred (Tensor): (M, C) or (B, C, ...).

    Returns:
        Tensor: Heat in [0, 1], shape of ``pred``.

    Raises:
        ValueError: As in :meth:`MaskFocalLoss.forward`.
    """
    if target.shape == pred.shape:
        heat = target.to(pred.dtype)
        in_range = (heat >= -ROUNDING) & (heat <= 1 + ROUNDING)  # False for NaN
        _check(in_range, heat, 'heat must be in [0, 1]: combine overlapping heads by their maximum, not their sum')
        return heat.clamp(0, 1)
    is_index = not (target.is_floating_point() or target.dtype == torch.bool)
    if not is_index or pred.ndim < 2 or target.shape != pred.shape[:1] + pred.shape[2:]:
        raise ValueError(
            f'MaskFocalLoss: target has shape {tuple(target.shape)} and type {target.dtype} for pred of shape '
            f'{tuple(pred.shape)}: expected class indices (integers, the shape of pred without dimension 1) or heat of '
            "pred's shape"
        )
    num_classes = pred.shape[1]
    _check(
        (target >= 0) & (target <= num_classes),
        target,
        f'class indices must be in [0, {num_classes}], {num_classes} for the background: num_classes of the head and '
        'of the data set must agree',
    )
    classes = torch.arange(num_classes, device=target.device).view(-1, *[1] * (pred.ndim - 2))
    return (target.unsqueeze(1) == classes).to(pred.dtype)


def _align(name: str, values: Tensor, pred: Tensor) -> Tensor:
    """Give a weight or mask a shape that broadcasts to ``pred``'s: (M,) becomes (M, 1), flat (M * C,) (M, C)."""
    if values.shape == pred.shape[:1] + pred.shape[2:] and values.ndim < pred.ndim:
        return values.unsqueeze(1)
    if values.ndim == 1 and values.numel() == pred.numel():
        return values.reshape(pred.shape)
    if values.ndim != pred.ndim or any(v not in (1, n) for v, n in zip(values.shape, pred.shape, strict=True)):
        raise ValueError(
            f'MaskFocalLoss: {name} has shape {tuple(values.shape)}, which does not fit pred of shape '
            f'{tuple(pred.shape)}'
        )
    return values


def _check(ok: Tensor, values: Tensor, message: str) -> None:
    """Raise ValueError unless ``ok`` holds everywhere; on CUDA a device-side assertion, which needs no waiting."""
    if ok.is_cuda and _HAS_ASYNC_CHECK:
        torch._assert_async(ok.all(), f'MaskFocalLoss: {message}')
    elif not ok.all():
        raise ValueError(f'MaskFocalLoss: {message}; found {values.min():g} to {values.max():g}')


def _check_option(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise ValueError unless the option has one of the allowed values."""
    if value not in allowed:
        raise ValueError(f'MaskFocalLoss: {name} must be one of {allowed}, got {value!r}')
