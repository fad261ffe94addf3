"""Short-term tracks and crossings of lines, on points whose ways are known."""

import json

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from mmcrowd.apis.video.tracks import LineCounter, PointTracker, assign
from mmcrowd.utils.json_files import plain

GATE = {'gate': np.array([[50.0, 0.0], [50.0, 100.0]])}


def walk(rng, people=40, frames=60):
    """Points (frames, people, 2) that walk to both sides and the true crossings of GATE to its right and left."""
    start = rng.uniform(0, 100, (people, 2)) * (1, 0.9) + (0, 5)
    speed = rng.uniform(0.4, 1.2, people) * rng.choice([-1, 1], people)
    points = start[None] + np.arange(frames)[:, None, None] * np.stack([speed, np.zeros(people)], axis=1)
    # Seen on the screen, who walks down the line (y grows) has small x on the right.
    before, after = points[0, :, 0] <= 50, points[-1, :, 0] <= 50
    return points, (int((~before & after).sum()), int((before & ~after).sum()))


@pytest.mark.parametrize('seed', range(5))
def test_assignment_is_the_cheapest(seed):
    rng = np.random.default_rng(seed)
    tracks, points = rng.uniform(0, 30, (25, 2)), rng.uniform(0, 30, (21, 2))
    points[0] = tracks[0]  # a way of zero is a way
    reach = rng.choice([3.0, 6.0], 25)
    track, found = assign(tracks, points, reach)
    cost = ((tracks[:, None] - points[None]) ** 2).sum(-1) / reach[:, None] ** 2
    assert (cost[track, found] <= 1).all()
    assert len(set(found)) == len(found)
    whole = np.concatenate([np.minimum(cost, 1), np.ones((25, 25))], axis=1)
    best = whole[linear_sum_assignment(whole)].sum()
    assert cost[track, found].sum() + 25 - len(track) == pytest.approx(best)


@pytest.mark.parametrize('seed', range(5))
def test_crossings_of_a_walking_crowd_are_exact(seed):
    points, true = walk(np.random.default_rng(seed))
    counter = LineCounter(GATE, max_step=4)
    for frame in points:
        counter.update(frame)
    assert counter.crossings['gate'] == true
    assert sum(true) > 10


def test_heads_that_are_missed_for_a_while_still_cross():
    points = np.stack([np.linspace(40, 60, 21), np.full(21, 30.0)], axis=1)
    for missed, expected in ((3, 1), (4, 0)):
        counter = LineCounter(GATE, max_step=4, patience=3)
        for number, point in enumerate(points):
            counter.update(point[None] if not 9 <= number < 9 + missed else np.zeros((0, 2)))
        assert counter.crossings['gate'] == (0, expected)


def test_tracks_do_not_jump():
    tracker = PointTracker(max_step=5)
    tracker.update([[0, 0]])
    start, _ = tracker.update([[6, 0]])
    assert len(start) == 0


def test_state_goes_on_exactly():
    points, _ = walk(np.random.default_rng(7))
    rng = np.random.default_rng(8)
    seen = [frame[rng.random(len(frame)) < 0.8] for frame in points]
    whole, first = LineCounter(GATE, 4), LineCounter(GATE, 4)
    for frame in seen:
        whole.update(frame)
    for frame in seen[:31]:
        first.update(frame)
    second = LineCounter(GATE, 4)
    second.restore(json.loads(json.dumps(plain(first.state()))))
    for frame in seen[31:]:
        second.update(frame)
    assert plain(second.state()) == plain(whole.state())


def test_nothing_far_from_lines_is_followed():
    counter = LineCounter(GATE, max_step=2, patience=1)
    counter.update(np.random.default_rng(0).uniform(200, 2000, (20_000, 2)))
    assert len(counter.tracker.points) == 0
