"""A video with a planted detector: the truth of counts, zones, lines and metres is exact."""

import csv
import json
import weakref
from dataclasses import replace

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from mmcrowd.apis.result import CrowdResult
from mmcrowd.apis.video import count_video
from mmcrowd.utils.frames import Video
from mmcrowd_command import cli

WIDTH, HEIGHT = 96, 64
REGIONS = dict(
    zones=dict(left=[[0, 0], [48, 0], [48, 64], [0, 64]], all=[[0, 0], [96, 0], [96, 64], [0, 64]]),
    lines=dict(gate=[[48, 0], [48, 64]]),
    # A ground of 12 x 8 metres, seen from straight above: 8 pixels are a metre.
    ground=dict(pixels=[[0, 0], [96, 0], [96, 64], [0, 64]], metres=[[0, 0], [12, 0], [12, 8], [0, 8]]),
)


class Planted:
    """A model that knows where heads are: frame after frame, counted by itself; the pictures do not matter."""

    def __init__(self, ways: np.ndarray, stop_at: int | None = None, has_points: bool = True, sure=False) -> None:
        self.ways, self.calls, self.stop_at, self.has_points, self.sure = ways, 0, stop_at, has_points, sure

    def predict(self, image, return_map=False, path=None):
        if self.calls == self.stop_at:
            raise KeyboardInterrupt
        points = self.ways[self.calls % len(self.ways)]
        self.calls += 1
        points = points[((points >= 0) & (points < (WIDTH, HEIGHT))).all(axis=1)].astype(np.float32)
        ones, boxes = np.ones(len(points), np.float32), np.full((len(points), 4), np.nan, np.float32)
        interval = (len(points) - 2, len(points) + 3) if self.sure else None
        result = CrowdResult(points, ones, boxes, len(points), path, image.shape[1::-1], has_points=self.has_points)
        return replace(result, interval=interval)

    def identity(self):
        return dict(model='planted', weights='none', score_threshold=None)


@pytest.fixture(scope='module')
def ways() -> np.ndarray:
    """(40, 30, 2): thirty heads walk to both sides for forty frames."""
    rng = np.random.default_rng(3)
    start = rng.uniform((0, 2), (WIDTH, HEIGHT - 2), (30, 2))
    speed = np.stack([rng.uniform(0.3, 1.2, 30) * rng.choice([-1, 1], 30), np.zeros(30)], axis=1)
    return start + np.arange(40)[:, None, None] * speed


@pytest.fixture(scope='module')
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp('clip') / 'clip.mp4'
    write_clip(path, 40)
    return path


@pytest.fixture(scope='module')
def regions(tmp_path_factory):
    path = tmp_path_factory.mktemp('regions') / 'regions.json'
    path.write_text(json.dumps(REGIONS))
    return path


@pytest.fixture(scope='module')
def whole(clip, ways, regions, tmp_path_factory):
    """The folder of a run that was never stopped."""
    folder = tmp_path_factory.mktemp('whole')
    count_video(Planted(ways), clip, folder, regions, max_step=3, part_frames=10)
    return folder


def write_clip(path, frames: int) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), 10, (WIDTH, HEIGHT))
    for _ in range(frames):
        writer.write(np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
    writer.release()


def rows_of(folder) -> list[dict]:
    with (folder / 'counts.csv').open(newline='') as file:
        return [{key: float(value or 'nan') for key, value in row.items()} for row in csv.DictReader(file)]


def frames_of(path) -> int:
    with Video(path) as video:
        return sum(1 for _ in video)


def test_counts_zones_metres_and_crossings_are_the_truth(clip, ways, regions, tmp_path):
    summary = count_video(Planted(ways), clip, tmp_path / 'out', regions, smoothing=0.5, max_step=3)
    rows = rows_of(tmp_path / 'out')
    inside = ((ways >= 0) & (ways < (WIDTH, HEIGHT))).all(axis=2)
    assert [row['frame'] for row in rows] == list(range(40))
    assert [row['seconds'] for row in rows] == pytest.approx(np.arange(40) / 10, abs=1e-3)
    assert [row['count'] for row in rows] == inside.sum(axis=1).tolist()
    assert [row['zone_left'] for row in rows] == (inside & (ways[..., 0] < 48)).sum(axis=1).tolist()
    assert [row['zone_all_per_m2'] for row in rows] == pytest.approx(inside.sum(axis=1) / 96, abs=1e-4)
    smoothed = float(inside[0].sum())
    for row, count in zip(rows, inside.sum(axis=1), strict=True):
        smoothed += (1 - np.exp(-0.1 / 0.5)) * (count - smoothed) * (row['frame'] > 0)
        assert row['count_smoothed'] == pytest.approx(smoothed, abs=0.02)
    right_side = ways[..., 0] <= 48  # of who walks down the line
    for name, before, after in (('right', False, True), ('left', True, False)):
        steps = (right_side[:-1] == before) & (right_side[1:] == after)
        assert [row[f'line_gate_to_{name}'] for row in rows[1:]] == np.cumsum(steps.sum(axis=1)).tolist()
    assert rows[-1]['line_gate_to_right'] + rows[-1]['line_gate_to_left'] > 8
    assert json.loads((tmp_path / 'out' / 'summary.json').read_text()) == summary
    assert summary['complete']
    assert summary['counted']['zones']['left']['square_metres'] == pytest.approx(48)
    assert summary['counted']['lines']['gate']['to_left'] == rows[-1]['line_gate_to_left']
    assert frames_of(tmp_path / 'out' / 'overlay_001.mp4') == 40
    assert cv2.imread(str(tmp_path / 'out' / 'counts.png')).std() > 5


@pytest.mark.parametrize('killed', [False, True])
def test_a_stopped_run_goes_on_exactly(clip, ways, regions, whole, tmp_path, killed):
    options = dict(regions=regions, max_step=3, part_frames=10)
    with pytest.raises(KeyboardInterrupt):
        count_video(Planted(ways, stop_at=17), clip, tmp_path / 'out', **options)
    done = 17
    assert len(rows_of(tmp_path / 'out')) == 17
    assert [frames_of(tmp_path / 'out' / f'overlay_00{n}.mp4') for n in (1, 2)] == [10, 7]
    assert not json.loads((tmp_path / 'out' / 'summary.json').read_text())['complete']
    if killed:  # as if the last state on the disk were that of the part before; rows and a torn part came after
        done, state = 10, json.loads((tmp_path / 'out' / 'state.json').read_text())
        with pytest.raises(KeyboardInterrupt):
            count_video(Planted(ways, stop_at=10), clip, tmp_path / 'ten', **options)
        ten = json.loads((tmp_path / 'ten' / 'state.json').read_text())
        assert ten['next'] < state['next']
        (tmp_path / 'out' / 'state.json').write_text(json.dumps(ten))
        (tmp_path / 'out' / 'overlay_002.mp4').write_bytes(b'torn')
    model = Planted(ways)
    model.calls = done
    count_video(model, clip, tmp_path / 'out', **options, resume=True)
    for name in ('counts.csv', 'counts.png'):
        assert (tmp_path / 'out' / name).read_bytes() == (whole / name).read_bytes()
    parts = sorted((tmp_path / 'out').glob('overlay_*.mp4'))
    assert sum(map(frames_of, parts)) == 40
    with pytest.raises(ValueError, match=r'state\.json: the run to go on with had another every \(1, now 2\)'):
        count_video(Planted(ways), clip, tmp_path / 'out', **options, every=2, resume=True)


def test_a_table_with_other_columns_is_not_gone_on_with(clip, ways, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        count_video(Planted(ways, stop_at=9), clip, tmp_path)
    text = (tmp_path / 'counts.csv').read_text()
    (tmp_path / 'counts.csv').write_text(text.replace('low,high', 'lower,upper'))
    with pytest.raises(ValueError, match=r'counts\.csv: has other columns than those of this version: begin anew'):
        count_video(Planted(ways), clip, tmp_path, resume=True)


def test_intervals_of_frames(clip, ways, tmp_path):
    count_video(Planted(ways, sure=True), clip, tmp_path / 'sure', every=5)
    rows = rows_of(tmp_path / 'sure')
    assert [(row['low'], row['high']) for row in rows] == [(row['count'] - 2, row['count'] + 3) for row in rows]
    summary = count_video(Planted(ways), clip, tmp_path / 'out', every=5)
    text = (tmp_path / 'out' / 'counts.csv').read_text().splitlines()
    assert text[0] == 'frame,seconds,count,low,high,count_smoothed'
    assert all(line.split(',')[3:5] == ['', ''] for line in text[1:])
    assert summary['counted']['count']['mean'] == np.mean([row['count'] for row in rows])
    assert (tmp_path / 'out' / 'counts.png').read_bytes() != (tmp_path / 'sure' / 'counts.png').read_bytes()


def test_every_third_frame(clip, ways, tmp_path):
    (tmp_path / 'overlay_009.mp4').write_bytes(b'of a run before')
    count_video(Planted(ways), clip, tmp_path, every=3, overlay=False)
    assert [row['frame'] for row in rows_of(tmp_path)] == list(range(0, 40, 3))
    assert not list(tmp_path.glob('*.mp4'))


def test_one_frame_is_held_at_a_time(clip, ways, tmp_path):
    frames, most = [], []

    class Watching(Planted):
        def predict(self, image, return_map=False, path=None):
            frames.append(weakref.ref(image))
            most.append(sum(frame() is not None for frame in frames))
            return super().predict(image, return_map, path)

    count_video(Watching(ways), clip, tmp_path, part_frames=15)
    assert len(most) == 40
    assert max(most) <= 2


def test_a_model_without_points(clip, ways, regions, tmp_path):
    count_video(Planted(ways, has_points=False), clip, tmp_path / 'out', every=20)
    with pytest.raises(ValueError, match='counts without points: zones and lines need one that locates'):
        count_video(Planted(ways, has_points=False), clip, tmp_path / 'out', regions)


def test_a_camera_is_not_gone_on_with(ways, tmp_path):
    with pytest.raises(ValueError, match='camera 0: a camera cannot be gone on with'):
        count_video(Planted(ways), 0, tmp_path, resume=True)


def test_command(clip, ways, regions, tmp_path, monkeypatch):
    monkeypatch.setattr(
        'mmcrowd.apis.CrowdInferencer', lambda *a, **k: type('P', (Planted,), dict(zoo_model=None))(ways)
    )

    def call(*arguments):
        return CliRunner().invoke(cli.main, ['video', *map(str, arguments)])

    done = call(clip, '--out', tmp_path / 'out', '--regions', regions, '--every', 2)
    assert done.exit_code == 0, done.output
    assert '20 frames' in done.output
    (tmp_path / 'bad.mp4').write_bytes(b'no video')
    done = call(tmp_path / 'bad.mp4', '--out', tmp_path / 'out')
    assert done.exit_code == 1
    assert done.stderr.strip().startswith(f'{tmp_path}/bad.mp4: this file of 8 bytes cannot be decoded')
    assert len(done.stderr.strip().splitlines()) == 1
    (tmp_path / 'regions.json').write_text('{"zones": {"a": 3}}')
    done = call(clip, '--out', tmp_path / 'out', '--regions', tmp_path / 'regions.json')
    assert done.exit_code == 2
    assert 'regions.json: zones.a: expected three or more points [x, y], found 3' in done.stderr
