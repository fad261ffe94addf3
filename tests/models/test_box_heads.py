"""What every box head must do in crowds, beside mmdet's own heads."""

import warnings

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from mmcrowd.models.dense_heads.crowd_box_head import CapWarner, keep_inside
from mmcrowd.structures import HeadBoxes

from .box_heads import HEADS, SHAPE, build, crowd_boxes, features, mask_focal_loss, sample, total

ONE_STAGE = [name for name in HEADS if name != 'RPNHead']
CAPS = [
    ('nms_pre', dict(nms_pre=20)),
    ('max_per_img', dict(max_per_img=7)),
    ('nms.max_num', dict(nms=dict(type='nms', iou_threshold=0.5, max_num=7))),
]


@pytest.mark.parametrize('name', HEADS)
class TestLoss:
    @pytest.mark.parametrize('counts', [(40, 7), (0, 12), (0, 0), (1, 300)])
    def test_equals_mmdets(self, name: str, counts: tuple[int, int]):
        samples = [sample(crowd_boxes(n, seed=i)) for i, n in enumerate(counts)]
        ours, theirs = (build(name, stock).loss(features(2), samples) for stock in (False, True))
        assert ours.keys() == theirs.keys()
        for key in ours:
            torch.testing.assert_close(ours[key], theirs[key], rtol=0, atol=0, msg=key)

    @pytest.mark.parametrize('autocast', [False, True])
    @pytest.mark.parametrize('counts', [(0, 0), (3, 0), (150, 150)])
    def test_every_parameter_gets_a_gradient(self, name: str, counts: tuple[int, int], autocast: bool):
        """Without one, a process whose images show no heads leaves the others waiting."""
        head = build(name, **mask_focal_loss(name))
        samples = [sample(crowd_boxes(n, seed=i)) for i, n in enumerate(counts)]
        with torch.autocast('cpu', torch.bfloat16, enabled=autocast):
            losses = head.loss(features(2), samples)
        loss = total(losses)
        assert loss.dtype == torch.float32
        loss.backward()
        for key, parameter in head.named_parameters():
            assert parameter.grad is not None, key
            assert torch.isfinite(parameter.grad).all(), key

    def test_a_value_without_graph_is_no_zero(self, name: str):
        """Losses are the same when nothing is to be learnt."""
        samples = [sample(crowd_boxes(40))]
        head = build(name)
        expected = total(head.loss(features(), samples)).item()
        with torch.no_grad():
            assert total(head.loss(features(), samples)).item() == expected

    @pytest.mark.parametrize('method', ['loss', 'loss_and_predict'])
    def test_boxes_that_cannot_be_trained_on(self, name: str, method: str):
        head = build(name)
        boxes = crowd_boxes(5)
        unknown, empty = boxes.clone(), boxes.clone()
        unknown[1:3] = torch.nan
        empty[4, 2] = empty[4, 0]
        for bad, message in (
            (unknown, r'here\.jpg: 2 of 5 heads have no box .*ConvertHeadsToBoxes\(missing='),
            (empty, r'here\.jpg: 1 of 5 boxes have no area.*FilterAnnotations'),
            (HeadBoxes(torch.zeros(5, 6)), r'here\.jpg: .*boxes of shape \(5, 6\).*ConvertHeadsToBoxes'),
        ):
            with pytest.raises(ValueError, match=message):
                getattr(head, method)(features(2), [sample(boxes, img_path='other.jpg'), sample(bad)])
        points = sample(boxes)
        points.gt_instances = InstanceData(points=torch.zeros(5, 2))
        with pytest.raises(ValueError, match=r'here\.jpg: .*found no gt_instances\.bboxes'):
            getattr(head, method)(features(), [points])


@pytest.mark.parametrize('name', HEADS)
class TestPredict:
    def test_equals_mmdets(self, name: str):
        """Where no box touches the border, as mmdet clips there before it looks."""
        # FoveaBox in mmdet clips a pixel earlier: the same boxes overlap by another amount.
        nms = dict(type='nms', iou_threshold=1.0 if name == 'FoveaHead' else 0.5)
        options = dict(nms_pre=1000, max_per_img=1000, nms=nms)
        ours, theirs = (
            build(name, stock, options).eval().predict(features(), [sample(crowd_boxes(0))], rescale=True)[0]
            for stock in (False, True)
        )
        same = theirs[inner(theirs)]
        assert len(same) > 3
        assert len(ours) <= len(theirs)
        torch.testing.assert_close(ours[inner(ours)].bboxes, same.bboxes)
        torch.testing.assert_close(ours[inner(ours)].scores, same.scores)

    @pytest.mark.parametrize('rescale', [False, True])
    def test_points_are_the_centres_of_the_boxes(self, name: str, rescale: bool):
        (got,) = build(name).eval().predict(features(), [sample(crowd_boxes(0))], rescale=rescale)
        assert len(got)
        torch.testing.assert_close(got.points, (got.bboxes[:, :2] + got.bboxes[:, 2:]) / 2)
        limit = torch.tensor([SHAPE[1], SHAPE[0]]) / (torch.tensor([2.0, 4.0]) if rescale else 1)
        assert (got.points < limit).all()
        assert (got.points[:, 0] > 0.6 * limit[0]).any()

    def test_nothing_in_the_padding(self, name: str):
        head = build(name).eval()
        (padded,) = head.predict(features(), [sample(crowd_boxes(0), shape=(50, 70))])
        (whole,) = head.predict(features(), [sample(crowd_boxes(0))])
        assert 0 < len(padded) < len(whole)
        assert (padded.points < torch.tensor([70.0, 50.0])).all()
        assert (padded.bboxes <= torch.tensor([70.0, 50.0, 70.0, 50.0])).all()

    def test_nothing_at_all(self, name: str):
        options = dict(score_thr=1.0) if name != 'RPNHead' else dict(min_bbox_size=10_000)
        (got,) = build(name, test_cfg=options).eval().predict(features(), [sample(crowd_boxes(0))], rescale=True)
        assert got.points.shape == (0, 2)
        assert got.bboxes.shape == (0, 4)

    def test_places_are_exact_under_autocast(self, name: str):
        """At 1000 pixels, bfloat16 steps by four."""
        shape = (16, 1200)
        head = build(name).eval()
        for parameter in head.parameters():
            parameter.data.zero_()
        meta = sample(torch.zeros(0, 4), shape)
        (plain,) = head.predict(features(shape=shape), [meta])
        with torch.autocast('cpu', torch.bfloat16):
            (cast,) = head.predict(features(shape=shape), [meta])
        assert plain.points[:, 0].max() > 1100
        assert cast.points.dtype == torch.float32
        torch.testing.assert_close(cast.points, plain.points)

    def test_test_cfg_stays_as_it_is(self, name: str):
        head = build(name, test_cfg=dict(max_per_img=3, nms=dict(type='nms', iou_threshold=0.5, max_num=5))).eval()
        before = head.test_cfg.to_dict()
        head.warn_cap.said = {f'{head.cap_options}.{option}' for option in ('nms.max_num', 'max_per_img')}
        head.predict(features(), [sample(crowd_boxes(0))])
        assert head.test_cfg.to_dict() == before


def inner(boxes: InstanceData) -> torch.Tensor:
    """Which boxes, in pixels of an original scaled by (2, 4), keep from the border, (N,) bool."""
    return ((boxes.bboxes[:, :2] > 1) & (boxes.bboxes[:, 2:] < torch.tensor([127 / 2, 95 / 4]) - 1)).all(dim=1)


class TestCaps:
    def test_cap_of_zero_or_less_is_none(self):
        (everything,) = build('RetinaHead').eval().predict(features(), [sample(crowd_boxes(0))])
        for missing in (dict(nms_pre=0, max_per_img=0), dict(nms_pre=10_000, max_per_img=10_000)):
            with warnings.catch_warnings():
                warnings.simplefilter('error')
                got = build('RetinaHead', test_cfg=missing).eval().predict(features(), [sample(crowd_boxes(0))])
            assert len(got[0]) == len(everything)

    @pytest.mark.parametrize(
        ('name', 'option', 'config'),
        [(name, *cap) for name in ONE_STAGE for cap in CAPS if (name, cap[0]) != ('YOLOXHead', 'nms_pre')],
    )
    def test_said_once(self, name: str, option: str, config: dict):
        head = build(name, test_cfg=config).eval()
        message = rf'Crowd{name}: test_cfg\.{option}=\d+ was reached in here\.jpg'
        with pytest.warns(UserWarning, match=message) as record:
            first, second = (head.predict(features(), [sample(crowd_boxes(0))])[0] for _ in range(2))
        assert sum('was reached' in str(w.message) for w in record) == 1
        assert len(first) == len(second) > 0
        if option != 'nms_pre':
            assert len(first) == 7
            assert (first.scores[:-1] >= first.scores[1:]).all()

    def test_each_option_for_itself(self):
        head = build('FCOSHead', test_cfg=dict(nms_pre=20, max_per_img=7)).eval()
        with pytest.warns(UserWarning, match='was reached') as record:
            head.predict(features(), [sample(crowd_boxes(0))])
        assert len([w for w in record if 'was reached' in str(w.message)]) == 2

    def test_candidates_below_the_score_threshold_do_not_count(self):
        head = build('FCOSHead', test_cfg=dict(nms_pre=20, score_thr=0.95)).eval()
        with warnings.catch_warnings():
            warnings.simplefilter('error')
            head.predict(features(), [sample(crowd_boxes(0))])

    @pytest.mark.parametrize(('bias', 'training', 'warns'), [(5.0, False, 2), (-5.0, False, 0), (5.0, True, 0)])
    def test_proposals_count_if_they_are_likely_heads(self, bias: float, training: bool, warns: int):
        head = build('RPNHead', test_cfg=dict(nms_pre=20, max_per_img=7)).train(training)
        head.rpn_cls.bias.data.fill_(bias)
        with warnings.catch_warnings(record=True) as record:
            warnings.simplefilter('always')
            head.predict(features(), [sample(crowd_boxes(0))])
        messages = [str(w.message) for w in record if 'was reached' in str(w.message)]
        assert len(messages) == warns
        assert all('CrowdRPNHead: test_cfg.rpn.' in message for message in messages)

    def test_proposals_for_training_have_their_own_caps(self):
        head = build('RPNHead')
        cfg = ConfigDict(nms_pre=50, max_per_img=9, min_bbox_size=0, nms=dict(type='nms', iou_threshold=0.9))
        _, (proposals,) = head.loss_and_predict(features(), [sample(crowd_boxes(5))], cfg)
        assert len(proposals) == 9

    def test_exactly_the_limit_is_reached(self):
        warn = CapWarner('Head')
        with warnings.catch_warnings():
            warnings.simplefilter('error')
            warn('max_per_img', 10, 9, None)
        with pytest.warns(UserWarning, match=r'Head: max_per_img=10 was reached in an image \(10 found\)'):
            warn('max_per_img', 10, 10, None)


def test_a_box_is_where_its_centre_is():
    boxes = torch.tensor([[-4.0, 2, 6, 8], [-6, 2, 5, 8], [10, 0, 29.9, 10], [10, 0, 30, 10], [0, 12, 5, 27.5]])
    kept = keep_inside(InstanceData(bboxes=boxes, scores=torch.arange(5)), (20, 20))
    assert kept.scores.tolist() == [0, 2, 4]
    assert kept.bboxes.tolist() == [[0, 2, 6, 8], [10, 0, 20, 10], [0, 12, 5, 20]]
    broken = keep_inside(InstanceData(bboxes=torch.full((2, 4), torch.nan)), (20, 20))
    assert len(broken) == 0
