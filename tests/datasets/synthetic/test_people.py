import numpy as np

from mmcrowd.datasets.synthetic.people import person_bank


def test_box_is_where_the_head_is_painted():
    """Alone in a picture without objects, the drawing's head mask and its box agree to a pixel."""
    for person in range(6):
        sprite = person_bank(5, 16.0).sprite(person % 3, person % 3, person, 14.0)
        rows, columns = np.flatnonzero(sprite.head.any(1)), np.flatnonzero(sprite.head.any(0))
        (x, y), (a, b) = sprite.centre, sprite.half
        assert np.allclose([columns[0], columns[-1] + 1], [x - a, x + a], atol=1.01)
        assert np.allclose([rows[0], rows[-1] + 1], [y - b, y + b], atol=1.01)
        assert (sprite.solid[sprite.head]).all()
