import pytest
import torch
from mmdet.models.task_modules.assigners import AssignResult
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.structures import InstanceData

from mmcrowd.models.task_modules import ChunkedMaxIoUAssigner, CrowdSimOTAAssigner
from mmcrowd.registry import MODELS, TASK_UTILS

WIDTH, HEIGHT = 96, 64
MAX_PAIRS = [1, 1000, 2**20]


def crowd(num: int, seed: int = 0, grid: float | None = None, size: float = 14.0, classes: int = 1) -> InstanceData:
    """Random boxes; with ``grid`` their corners are multiples of it: shared edges, equal boxes, equal overlaps."""
    rng = torch.Generator().manual_seed(seed)
    start = torch.rand(num, 2, generator=rng) * torch.tensor([WIDTH, HEIGHT]) - 3
    sides = 2 + torch.rand(num, 2, generator=rng) * size
    boxes = torch.cat((start, start + sides), 1)
    if grid:
        boxes = (boxes / grid).round() * grid
        boxes[:, 2:] = torch.maximum(boxes[:, 2:], boxes[:, :2] + grid)
    return InstanceData(bboxes=boxes, labels=torch.randint(classes, (num,), generator=rng))


def anchors() -> InstanceData:
    generator = TASK_UTILS.build(
        dict(type='AnchorGenerator', scales=[1.0, 2.0], ratios=[1.0], strides=[8, 16], centers=[(4, 4), (8, 8)])
    )
    return InstanceData(priors=torch.cat(generator.grid_priors([(8, 12), (4, 6)], device='cpu')))


def same(one: AssignResult, other: AssignResult) -> None:
    assert one.num_gts == other.num_gts
    for name in ('gt_inds', 'max_overlaps', 'labels'):
        torch.testing.assert_close(getattr(one, name), getattr(other, name), rtol=0, atol=0, msg=name)


class Recorder:
    """An overlap calculator that remembers the largest matrix it was asked for."""

    def __init__(self, calculator):
        self.calculator, self.largest = calculator, 0

    def __call__(self, first, second, **kwargs):
        self.largest = max(self.largest, len(first) * len(second))
        return self.calculator(first, second, **kwargs)


# ---- max IoU

MAX_IOU = dict(pos_iou_thr=0.5, neg_iou_thr=0.4)


def max_iou_pair(max_pairs: int = 1000, **options):
    options = {**MAX_IOU, **options}
    return (
        TASK_UTILS.build(dict(type='mmdet.MaxIoUAssigner', **options)),
        TASK_UTILS.build(dict(type='mmcrowd.ChunkedMaxIoUAssigner', max_pairs=max_pairs, **options)),
    )


@pytest.mark.parametrize('max_pairs', MAX_PAIRS)
@pytest.mark.parametrize('grid', [None, 4.0, 8.0])
@pytest.mark.parametrize(('every', 'min_pos_iou'), [(True, 0.0), (False, 0.3)])
def test_max_iou_is_the_parents(max_pairs: int, grid: float | None, every: bool, min_pos_iou: float):
    parent, ours = max_iou_pair(max_pairs, gt_max_assign_all=every, min_pos_iou=min_pos_iou)
    for seed, num in enumerate((1, 7, 150, 100)):
        gts = crowd(num, seed, grid, classes=3)
        expected = parent.assign(anchors(), gts)
        same(expected, ours.assign(anchors(), gts))
        assert (expected.gt_inds > 0).any() or num == 1


@pytest.mark.parametrize('max_pairs', MAX_PAIRS)
@pytest.mark.parametrize('wrt_candidates', [True, False])
@pytest.mark.parametrize('low_quality', [True, False])
def test_max_iou_with_ignored_regions(max_pairs: int, wrt_candidates: bool, low_quality: bool):
    parent, ours = max_iou_pair(
        max_pairs,
        ignore_iof_thr=0.5,
        ignore_wrt_candidates=wrt_candidates,
        match_low_quality=low_quality,
        neg_iou_thr=(0.1, 0.4),
    )
    gts, regions = crowd(100, grid=4.0), crowd(12, 9, size=30.0)
    expected = parent.assign(anchors(), gts, regions)
    assert (expected.max_overlaps == -1).any()
    assert (expected.gt_inds > 0).any()
    same(expected, ours.assign(anchors(), gts, regions))
    same(parent.assign(anchors(), gts, crowd(0)), ours.assign(anchors(), gts, crowd(0)))


def test_all_priors_ignored():
    parent, ours = max_iou_pair(ignore_iof_thr=0.5)
    everything = InstanceData(bboxes=torch.tensor([[-100.0, -100.0, 300.0, 300.0]]))
    expected = parent.assign(anchors(), crowd(20), everything)
    assert (expected.gt_inds == -1).all()
    same(expected, ours.assign(anchors(), crowd(20), everything))


def test_boxes_without_any_overlap_claim_like_the_parents():
    parent, ours = max_iou_pair(100)
    gts = InstanceData(bboxes=torch.tensor([[500.0, 500, 510, 510], [0, 0, 8, 8]]), labels=torch.tensor([0, 0]))
    for order in ([0, 1], [1, 0], [0, 1, 0]):
        same(parent.assign(anchors(), gts[order]), ours.assign(anchors(), gts[order]))


@pytest.mark.parametrize(('num_priors', 'num_gts'), [(0, 0), (0, 5), (240, 0)])
def test_max_iou_of_nothing(num_priors: int, num_gts: int):
    parent, ours = max_iou_pair(ignore_iof_thr=0.5)
    priors = anchors()[:num_priors]
    expected = parent.assign(priors, crowd(num_gts), crowd(3))
    assert len(expected.gt_inds) == len(priors)
    same(expected, ours.assign(priors, crowd(num_gts), crowd(3)))


def test_max_iou_of_box_types_and_on_the_processor():
    parent, ours = max_iou_pair(gpu_assign_thr=10)
    gts = crowd(30)
    boxed = InstanceData(bboxes=HorizontalBoxes(gts.bboxes), labels=gts.labels)
    priors = InstanceData(priors=HorizontalBoxes(anchors().priors))
    same(parent.assign(anchors(), gts), ours.assign(priors, boxed))


def test_repeated_boxes_are_permuted():
    parent, ours = max_iou_pair(perm_repeat_gt_cfg=dict(iou_thr=0.7, perm_range=0.01))
    gts = crowd(10)[[0, 1, 1, 2, 3, 3, 3]]
    torch.manual_seed(0)
    expected = parent.assign(anchors(), gts)
    torch.manual_seed(0)
    same(expected, ours.assign(anchors(), gts))


def test_max_iou_holds_few_pairs():
    _, ours = max_iou_pair(500, ignore_iof_thr=0.5)
    ours.iou_calculator = Recorder(ours.iou_calculator)
    ours.assign(anchors(), crowd(300), crowd(200, 1))
    assert ours.iou_calculator.largest == 500 // len(anchors()) * len(anchors())


# ---- SimOTA


def predictions(seed: int = 0, classes: int = 1, untrained: bool = False) -> InstanceData:
    """Priors of strides 4, 8, 16 with their boxes and scores; untrained: boxes of one stride, equal scores."""
    rng = torch.Generator().manual_seed(seed)
    generator = TASK_UTILS.build(dict(type='MlvlPointGenerator', strides=[4, 8, 16], offset=0))
    sizes = [(HEIGHT // s, WIDTH // s) for s in (4, 8, 16)]
    priors = torch.cat(generator.grid_priors(sizes, device='cpu', with_stride=True))
    spread = 0.0 if untrained else 1.0
    noise = torch.randn(len(priors), 4, generator=rng) * spread
    centre, sides = priors[:, :2] + noise[:, :2] * priors[:, 2:] / 2, priors[:, 2:] * (noise[:, 2:] / 3).exp()
    scores = torch.rand(len(priors), classes, generator=rng) * spread + (1 - spread) * 0.01
    return InstanceData(
        priors=priors, bboxes=torch.cat((centre - sides / 2, centre + sides / 2), 1), scores=scores.clamp(0, 1)
    )


def sim_ota_pair(max_pairs: int = 1000, **options):
    return (
        TASK_UTILS.build(dict(type='mmdet.SimOTAAssigner', **options)),
        TASK_UTILS.build(dict(type='mmcrowd.CrowdSimOTAAssigner', max_pairs=max_pairs, **options)),
    )


@pytest.mark.parametrize('max_pairs', MAX_PAIRS)
@pytest.mark.parametrize('grid', [None, 2.0, 4.0])
@pytest.mark.parametrize(('untrained', 'classes'), [(False, 1), (True, 3)])
def test_sim_ota_is_the_parents(max_pairs: int, untrained: bool, grid: float | None, classes: int):
    parent, ours = sim_ota_pair(max_pairs)
    for seed, (num, size) in enumerate(((1, 40.0), (9, 30.0), (150, 12.0), (200, 3.0))):
        preds, gts = predictions(seed, classes, untrained), crowd(num, seed, grid, size, classes)
        expected = parent.assign(preds, gts)
        assert (expected.gt_inds > 0).any()
        same(expected, ours.assign(preds, gts))


def test_crowds_exercise_penalties_and_conflicts():
    """The crowds above contain what is hard: counts above one, boxes that no prior is in, and contested priors."""
    _, ours = sim_ota_pair()
    preds, gts = predictions(), crowd(150, size=12.0)
    parts = [torch.arange(150)]
    valid, (inside,) = ours._find_regions(preds.priors, gts.bboxes, parts)
    wanted = ours._dynamic_ks(preds.bboxes[valid], gts.bboxes, parts)
    assert wanted.max() > 1
    assert (torch.bincount(inside[0], minlength=150) < wanted).any()
    assert (ours.assign(preds, gts).gt_inds > 0).sum() < wanted.sum()


@pytest.mark.parametrize('options', [dict(center_radius=0.5), dict(candidate_topk=40), dict(iou_weight=0.0)])
def test_sim_ota_options(options: dict):
    parent, ours = sim_ota_pair(**options)
    gts = crowd(60, size=25.0, grid=1.0)
    same(parent.assign(predictions(), gts), ours.assign(predictions(), gts))


def test_sim_ota_of_few_priors():
    parent, ours = sim_ota_pair(2)
    preds = predictions()[[0, 30, 200, 400]]
    same(parent.assign(preds, crowd(20, size=40.0)), ours.assign(preds, crowd(20, size=40.0)))


@pytest.mark.parametrize(('num_priors', 'num_gts'), [(0, 0), (0, 5), (504, 0)])
def test_sim_ota_of_nothing(num_priors: int, num_gts: int):
    parent, ours = sim_ota_pair()
    preds = predictions()[:num_priors]
    expected = parent.assign(preds, crowd(num_gts))
    assert len(expected.gt_inds) == num_priors
    same(expected, ours.assign(preds, crowd(num_gts)))


def test_sim_ota_without_a_valid_prior():
    parent, ours = sim_ota_pair()
    gts = crowd(3)
    gts.bboxes = gts.bboxes + 1000
    expected = parent.assign(predictions(), gts)
    assert (expected.gt_inds == 0).all()
    same(expected, ours.assign(predictions(), gts))


def test_sim_ota_of_half_precision_scores():
    parent, ours = sim_ota_pair()
    preds = predictions(untrained=True)
    preds.scores = torch.linspace(0.4, 0.401, len(preds))[:, None].half()
    gts = crowd(150, grid=2.0)
    same(parent.assign(preds, gts), ours.assign(preds, gts))


@pytest.mark.parametrize('max_pairs', MAX_PAIRS)
def test_sums_of_overlaps_that_are_nearly_whole(max_pairs: int):
    """Ten overlaps of 0.7 sum to 7 or just less: by the order of summation, a box takes seven or six priors."""
    parent, ours = sim_ota_pair(max_pairs)
    start = torch.arange(37)[:, None] * torch.tensor([40.0, 0, 40, 0])
    gts = InstanceData(bboxes=start + torch.tensor([0.0, 0, 10, 10]), labels=torch.zeros(37, dtype=torch.long))
    bboxes = (start + torch.tensor([0.0, 0, 10, 7])).repeat_interleave(10, 0)
    priors = (start + torch.tensor([5.0, 5, 0, 0])).repeat_interleave(10, 0)
    priors[:, 2:] = 8
    scores = torch.rand(370, 1, generator=torch.Generator().manual_seed(0))
    preds = InstanceData(priors=priors, bboxes=bboxes, scores=scores)
    expected = parent.assign(preds, gts)
    assert torch.bincount(expected.gt_inds)[1:].unique().tolist() in ([6], [7], [6, 7])
    same(expected, ours.assign(preds, gts))


def test_sim_ota_holds_few_pairs():
    _, ours = sim_ota_pair(2000)
    ours.iou_calculator = Recorder(ours.iou_calculator)
    preds = predictions()
    ours.assign(preds, crowd(300))
    assert 0 < ours.iou_calculator.largest <= 2000 < 300 * len(preds)


@pytest.mark.parametrize(('assigner', 'thresholds'), [(ChunkedMaxIoUAssigner, (0.5, 0.4)), (CrowdSimOTAAssigner, ())])
def test_max_pairs_is_checked(assigner: type, thresholds: tuple):
    with pytest.raises(ValueError, match='max_pairs must be at least 1, found 0'):
        assigner(*thresholds, max_pairs=0)


# ---- in their heads


def head_losses(cfg: dict, assigner: dict, channels: int, strides: tuple[int, ...]) -> dict:
    torch.manual_seed(0)
    head = MODELS.build({**cfg, 'train_cfg': {**cfg['train_cfg'], 'assigner': assigner}})
    head.init_weights()
    features = [torch.randn(1, channels, HEIGHT // s, WIDTH // s) for s in strides]
    meta = dict(img_shape=(HEIGHT, WIDTH), pad_shape=(HEIGHT, WIDTH), batch_input_shape=(HEIGHT, WIDTH))
    return head.loss_by_feat(*head(features), [crowd(80)], [meta])


@pytest.mark.parametrize(
    ('cfg', 'names', 'options', 'strides'),
    [
        (
            dict(type='mmdet.YOLOXHead', num_classes=1, in_channels=8, feat_channels=8, strides=(8, 16), train_cfg={}),
            ('mmdet.SimOTAAssigner', 'mmcrowd.CrowdSimOTAAssigner'),
            dict(center_radius=2.5),
            (8, 16),
        ),
        (
            dict(
                type='mmdet.RetinaHead',
                num_classes=1,
                in_channels=8,
                feat_channels=8,
                stacked_convs=1,
                anchor_generator=dict(type='AnchorGenerator', scales=[1.0], ratios=[1.0], strides=[8, 16]),
                bbox_coder=dict(type='DeltaXYWHBBoxCoder'),
                train_cfg=dict(allowed_border=-1, pos_weight=-1, debug=False),
            ),
            ('mmdet.MaxIoUAssigner', 'mmcrowd.ChunkedMaxIoUAssigner'),
            MAX_IOU,
            (8, 16),
        ),
    ],
)
def test_heads_train_with_them(cfg: dict, names: tuple[str, str], options: dict, strides: tuple[int, ...]):
    expected, found = (head_losses(cfg, dict(type=name, **options), 8, strides) for name in names)
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=0)
