"""A rendered crowd that walks: what is counted in pixels is what happens on the ground, in metres."""

import json

import numpy as np
import pytest

from mmcrowd.apis.video.regions import read_regions
from mmcrowd.apis.video.tracks import LineCounter
from mmcrowd.datasets.roi import inside_polygon
from mmcrowd.datasets.synthetic import WalkingCrowd

ZONE = np.array([[-2.5, 6], [2.5, 6], [2.5, 12], [-2.5, 12]], float)
GATE = np.array([[0, 5], [0, 15]], float)


@pytest.fixture(scope='module')
def crowd() -> WalkingCrowd:
    return WalkingCrowd(people=120, size=(320, 240), fps=25, seed=3)


def test_heads_are_painted_where_they_are(crowd):
    scene = crowd.render(10)
    true = crowd.to_pixels(crowd.ground(10))
    distance = np.linalg.norm(scene.heads[:, None, :2] - true[None], axis=2)
    assert distance.min(axis=1).max() < 1  # sprites stand on whole pixels
    seen = ((true >= 1) & (true < np.array(crowd.size) - 1)).all(axis=1).sum()
    assert seen - 3 <= len(scene.heads) + scene.num_hidden <= seen + 3
    assert len(scene.heads) > 30
    assert (crowd.render(10).img == scene.img).all()
    assert (crowd.render(20).img != scene.img).any()


def test_pixels_tell_what_happens_on_the_ground(crowd, tmp_path):
    known = np.array([[-3, 6], [3, 6], [5, 14], [-5, 14]], float)
    ground = dict(pixels=crowd.to_pixels(known, 0).tolist(), metres=known.tolist())
    ground |= dict(camera_height=crowd.camera_height, head_height=crowd.head_height)
    content = dict(zones=dict(z=crowd.to_pixels(ZONE).tolist()), lines=dict(g=crowd.to_pixels(GATE).tolist()))
    (tmp_path / 'regions.json').write_text(json.dumps(dict(content, ground=ground)))
    regions = read_regions(tmp_path / 'regions.json', crowd.size)
    assert regions.areas['z'] == pytest.approx(30, rel=1e-4)

    counter, true, before = LineCounter(regions.lines, max_step=10), [0, 0], None
    for frame in range(200):
        here = crowd.ground(frame)
        points = crowd.to_pixels(here)
        on_zone = ((here >= ZONE.min(axis=0)) & (here <= ZONE.max(axis=0))).all(axis=1)
        assert inside_polygon(points, regions.zones['z']).sum() == on_zone.sum()
        counter.update(points)
        if before is not None:
            near = (np.abs(here - before) < 1).all(axis=1) & (here[:, 1] > 5) & (here[:, 1] < 15)
            true[0] += int((near & (before[:, 0] < 0) & (here[:, 0] >= 0)).sum())
            true[1] += int((near & (before[:, 0] >= 0) & (here[:, 0] < 0)).sum())
        before = here
    assert min(true) > 5
    assert counter.crossings['g'] == tuple(true)
