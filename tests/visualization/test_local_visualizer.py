"""The visualizer: what it composes, and that mmdet's hook and tools can drive it."""

import cv2
import numpy as np
import pytest
import torch
from mmdet.engine.hooks import DetVisualizationHook
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.structures import InstanceData, PixelData

from mmcrowd.registry import VISUALIZERS
from mmcrowd.structures import Heads
from mmcrowd.visualization import CrowdLocalVisualizer
from mmcrowd.visualization.drawing import FALSE_COLOR, MISSED_COLOR, POINT_COLOR, TRUE_COLOR

HEIGHT, WIDTH = 700, 900
GROUND = 100


def image() -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 3), GROUND, np.uint8)


def instances(points: list, scores: list | None = None, boxes: bool = True) -> InstanceData:
    points = torch.tensor(points, dtype=torch.float32).reshape(-1, 2)
    data = InstanceData(points=points, labels=torch.zeros(len(points), dtype=torch.long))
    if boxes:
        data.bboxes = torch.cat([points - 9, points + 9], dim=1)
    if scores is not None:
        data.scores = torch.tensor(scores, dtype=torch.float32)
    return data


def sample(gt=None, pred=None, count=None, gt_map=None, pred_map=None) -> DetDataSample:
    data = DetDataSample()
    if gt is not None:
        data.gt_instances = gt
    if pred is not None:
        data.pred_instances = pred
    if count is not None:
        data.set_field(torch.tensor(count), 'pred_count')
    for name, maps in (('gt_map', gt_map), ('pred_map', pred_map)):
        if maps is not None:
            data.set_field(PixelData(**maps), name, dtype=PixelData)
    return data


@pytest.fixture
def captions(monkeypatch) -> list[str]:
    """The texts that are written onto pictures."""
    written = []
    original = cv2.putText

    def record(out, text, *args, **kwargs):
        written.append(text)
        return original(out, text, *args, **kwargs)

    monkeypatch.setattr(cv2, 'putText', record)
    return written


GT = [[100.0, 300.0], [500.0, 400.0]]
PRED = [[103.0, 300.0], [700.0, 600.0]]
MAP = dict(fidt=torch.ones(1, HEIGHT // 2, WIDTH // 2))


@pytest.mark.parametrize(
    ('data', 'texts', 'panels'),
    [
        (sample(), ['900 x 700 px'], 1),
        (sample(gt=instances([])), ['0 annotated'], 1),
        (sample(pred=instances([], [])), ['0 predicted'], 1),
        (sample(gt=instances([]), pred=instances([], [])), ['0 annotated', '0 predicted', '0 true', '0 missed'], 2),
        (sample(gt=InstanceData(), pred=instances(PRED, [0.5, 0.9])), ['2 predicted', 'score 0'], 1),
        (sample(gt=instances(GT)), ['2 annotated', '900 x 700 px'], 1),
        (
            sample(gt=instances(GT), pred=instances(PRED, [0.5, 0.9])),
            ['1 found', '1 true', '1 missed', '1 false', 'F1 50.0 % within 8 px'],
            2,
        ),
        (sample(count=12.34), ['12.3 predicted'], 1),
        (sample(gt=instances(GT), count=12.34), ['2 annotated, 12.3 predicted'], 1),
        (sample(gt=instances([]), gt_map=MAP), ['0 annotated', 'target fidt', 'sum 157,500.0, max 1'], 2),
        (sample(gt=instances([]), gt_map=MAP, pred_map=MAP), ['target fidt', 'predicted fidt'], 3),
        (
            sample(pred_map=dict(mask=torch.zeros(2, 7, 9))),
            ['predicted mask 0', 'predicted mask 1', 'sum 0.0, max 0'],
            3,
        ),
    ],
)
def test_captions_and_panels(data, texts: list, panels: int, captions: list) -> None:
    drawn = CrowdLocalVisualizer().draw_datasample(image(), data)
    written = ' | '.join(captions)
    assert all(text in written for text in texts), written
    assert drawn.shape[1] // WIDTH == panels


def test_without_a_sample_the_image_is_returned() -> None:
    np.testing.assert_array_equal(CrowdLocalVisualizer().draw_datasample(image()), image())


@pytest.mark.parametrize(
    ('options', 'text'),
    [
        (dict(draw_gt=False), '2 predicted'),
        (dict(draw_pred=False), '2 annotated'),
        (dict(pred_score_thr=0.5), '2 predicted, F1 50.0 %'),
        (dict(pred_score_thr=0.51), '1 predicted, F1 0.0 %'),
        (dict(draw_pred=False, draw_gt=False), '900 x 700 px'),
    ],
)
def test_options_choose_what_is_drawn(options: dict, text: str, captions: list) -> None:
    data = sample(gt=instances(GT), pred=instances(PRED, [0.5, 0.9]), gt_map=MAP, pred_map=MAP)
    CrowdLocalVisualizer().draw_datasample(image(), data, **options)
    assert any(text in caption for caption in captions)
    assert ('target fidt' in captions) == options.get('draw_gt', True)
    assert ('predicted fidt' in captions) == options.get('draw_pred', True)


@pytest.mark.parametrize(('radius', 'true'), [(2.9, 0), (3.0, 1), (8.0, 1)])
def test_matching_uses_the_radius_in_original_pixels(radius: float, true: int, captions: list) -> None:
    visualizer = CrowdLocalVisualizer(match_radius=radius, enlarge=3)
    visualizer.draw_datasample(image(), sample(gt=instances(GT), pred=instances(PRED, [1.0, 1.0])))
    assert f'{true} true' in captions


def test_heads_are_drawn_at_their_place_when_enlarged() -> None:
    small = np.full((100, 100, 3), GROUND, np.uint8)
    data = sample(gt=instances([[20, 30], [60, 80]]), pred=instances([[20, 30], [80, 50]], [1.0, 1.0]))
    drawn = CrowdLocalVisualizer(enlarge=8).draw_datasample(small, data)[-800:]
    annotated, drawn = drawn[:, :800], drawn[:, -800:]
    places = {color: np.argwhere((drawn == color).all(axis=2)) for color in (TRUE_COLOR, FALSE_COLOR, MISSED_COLOR)}
    for color, (x, y) in zip(places, [(20, 30), (80, 50), (60, 80)], strict=True):
        np.testing.assert_allclose(places[color].mean(axis=0), (8 * y, 8 * x), atol=1.5)
    colors = {color for color in places if (annotated == color).all(axis=2).any()}
    assert colors == {TRUE_COLOR, MISSED_COLOR}


def test_boxes_are_drawn_if_known_and_wanted() -> None:
    data = sample(gt=instances(GT))
    data.gt_instances.bboxes[0] = torch.nan
    with_boxes, without = (CrowdLocalVisualizer(with_boxes=b).draw_datasample(image(), data) for b in (True, False))
    y, x = np.argwhere((with_boxes != without).any(axis=2)).T
    offset = len(with_boxes) - HEIGHT
    assert (x.min(), y.min() - offset, x.max(), y.max() - offset) == (491, 391, 508, 408)


def test_maps_can_be_left_out() -> None:
    drawn = CrowdLocalVisualizer(with_maps=False).draw_datasample(image(), sample(gt=instances(GT), gt_map=MAP))
    assert drawn.shape[1] == WIDTH


def test_ignored_regions_are_outlined() -> None:
    data = sample(gt=instances([]))
    data.ignored_instances = instances([[200.0, 200.0]])
    drawn = CrowdLocalVisualizer().draw_datasample(image(), data)
    assert (drawn == 160).all(axis=2).any()


@pytest.mark.parametrize('radius', [0, -1.0])
def test_match_radius_must_be_positive(radius: float) -> None:
    with pytest.raises(ValueError, match='match_radius'):
        CrowdLocalVisualizer(match_radius=radius)


@pytest.mark.parametrize(
    ('data', 'points', 'boxes'),
    [
        (None, None, None),
        (InstanceData(), None, None),
        (InstanceData(bboxes=torch.tensor([[2.0, 4, 6, 10]])), [[4, 7]], [[2, 4, 6, 10]]),
        (InstanceData(bboxes=HorizontalBoxes([[2.0, 4, 6, 10]])), [[4, 7]], [[2, 4, 6, 10]]),
        (InstanceData(points=np.array([[1.0, 2]])), [[1, 2]], [[np.nan] * 4]),
        (instances([]), np.zeros((0, 2)), np.zeros((0, 4))),
    ],
)
def test_heads_are_read_from_whatever_holds_them(data, points, boxes) -> None:
    heads = Heads.read(data)
    if points is None:
        assert heads is None
        return
    np.testing.assert_array_equal(heads.points, points)
    np.testing.assert_array_equal(heads.boxes, boxes)


def test_mmdet_hook_writes_a_picture(tmp_path) -> None:
    path = tmp_path / 'crowd.png'
    cv2.imwrite(str(path), image())
    config = dict(type='mmcrowd.CrowdLocalVisualizer', name=f'hook {tmp_path.name}')
    visualizer = VISUALIZERS.build(config)
    data = sample(gt=instances(GT), pred=instances(PRED, [0.01, 0.9]), pred_map=MAP)
    data.set_metainfo(dict(img_path=str(path)))

    class Runner:
        work_dir, timestamp, iter = str(tmp_path), 'now', 0

    hook = DetVisualizationHook(draw=True, test_out_dir='vis', score_thr=0.0)
    hook._visualizer = visualizer
    hook.after_test_iter(Runner, 0, {}, [data])
    drawn = cv2.imread(str(tmp_path / 'now' / 'vis' / 'crowd.png'))[..., ::-1]
    np.testing.assert_array_equal(drawn, visualizer.draw_datasample(image(), data))


def test_samples_of_numpy_arrays_are_drawn() -> None:
    """mmdet's browse_dataset hands over ``data_sample.numpy()``."""
    data = sample(gt=instances(GT))
    expected = CrowdLocalVisualizer().draw_datasample(image(), data)
    np.testing.assert_array_equal(CrowdLocalVisualizer().draw_datasample(image(), data.numpy()), expected)


def test_backends_and_window_get_the_picture(tmp_path, monkeypatch) -> None:
    visualizer = CrowdLocalVisualizer(vis_backends=[dict(type='LocalVisBackend')], save_dir=str(tmp_path))
    data = sample(gt=instances(GT))
    visualizer.add_datasample('street', image(), data, step=3)
    (stored,) = tmp_path.rglob('street_3.png')
    expected = visualizer.draw_datasample(image(), data)
    np.testing.assert_array_equal(cv2.imread(str(stored))[..., ::-1], expected)
    shown = []
    monkeypatch.setattr(visualizer, 'show', lambda drawn, win_name, wait_time: shown.append((drawn, win_name)))
    visualizer.add_datasample('street', image(), data, show=True, out_file=str(tmp_path / 'file.png'))
    np.testing.assert_array_equal(shown[0][0], expected)
    assert shown[0][1] == 'street'


def test_twenty_thousand_heads_are_all_drawn_and_counted(captions: list) -> None:
    x, y = np.meshgrid(np.arange(200), np.arange(100))
    points = np.stack([x.ravel(), y.ravel()], axis=1) * 15.0 + 7
    gt = InstanceData(points=torch.from_numpy(points), labels=torch.zeros(len(points)))
    drawn = CrowdLocalVisualizer().draw_datasample(np.zeros((1500, 3000, 3), np.uint8), sample(gt=gt))
    assert '20,000 annotated' in captions
    dots, _ = cv2.connectedComponents((drawn[-1500:] == POINT_COLOR).all(axis=2).astype(np.uint8))
    assert dots - 1 == 20000
