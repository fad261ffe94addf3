import numpy as np
import pytest

from mmcrowd.datasets.synthetic.objects import DOWN, OBJECTS


@pytest.mark.parametrize('kind', sorted(OBJECTS))
def test_objects_stay_where_their_occlusion_is_recorded(kind):
    """An object may change pixels only in the part of the picture in which heads behind it are looked for."""
    painter = OBJECTS[kind]
    for trial in range(60):
        size = (3.0, 8.0, 20.0)[trial % 3]
        img = np.full((500, 500, 3), 128, np.uint8)
        painter.paint(np.random.default_rng(trial), img, 250.0, 250.0, size)
        rows, columns = np.nonzero((img != 128).any(axis=2))
        assert len(rows) > 0
        assert abs(columns + 0.5 - 250).max() <= painter.sideways * size + 2
        assert rows.min() >= 250 - painter.up * size - 2
        assert rows.max() <= 250 + DOWN * size + 1
