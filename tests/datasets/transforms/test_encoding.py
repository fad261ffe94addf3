import numpy as np
import pytest

from mmcrowd.datasets.transforms import EncodeTargets, MeasureSpacing, RandomScaleCrop
from mmcrowd.registry import TRANSFORMS
from mmcrowd.structures import HeadBoxes


def results() -> dict:
    heads = np.full((1, 6), np.nan, np.float32)
    heads[0, :2] = 9, 13
    return dict(gt_bboxes=HeadBoxes(heads), img_shape=(32, 40), img_path='a/b.jpg')


def test_codecs_of_several_strides_write_a_field_each():
    made = results()
    for stride, field in ((1, 'gt_fine'), (8, 'gt_coarse')):
        made = EncodeTargets(dict(type='mmcrowd.FIDTCodec', stride=stride), field=field).transform(made)
    shapes = {field: maps['fidt'].shape for field, maps in made['gt_maps'].items()}
    assert shapes == dict(gt_fine=(1, 32, 40), gt_coarse=(1, 4, 5))


def test_two_codecs_of_one_field():
    encode = EncodeTargets(dict(type='mmcrowd.FIDTCodec'))
    with pytest.raises(ValueError, match="two codecs of the pipeline write the field 'gt_map'"):
        encode.transform(encode.transform(results()))


def crowd(number: int = 200, shape: tuple[int, int] = (160, 240)) -> dict:
    """An image with heads, three of them ignored."""
    heads = np.full((number, 6), np.nan, np.float32)
    heads[:, :2] = np.random.default_rng(0).uniform(0, shape[::-1], (number, 2))
    return dict(
        img=np.zeros((*shape, 3), np.uint8),
        img_shape=shape,
        ori_shape=shape,
        img_path='a/b.jpg',
        gt_bboxes=HeadBoxes(heads),
        gt_bboxes_labels=np.zeros(number, np.int64),
        gt_ignore_flags=np.arange(number) >= number - 3,
    )


class TestDensity:
    """What a codec needs of the whole image goes with the crop."""

    codec = dict(type='mmcrowd.DensityCodec', stride=1, beta=0.3, border='image')

    def density(self, made: dict) -> np.ndarray:
        return EncodeTargets(self.codec).transform(made)['gt_maps']['gt_map']['density'][0]

    def test_the_map_of_a_crop_is_the_crop_of_the_map(self):
        whole = self.density(MeasureSpacing(self.codec).transform(crowd()))
        assert whole.sum() == pytest.approx(197, abs=1e-3)
        np.random.seed(3)  # noqa: NPY002
        cropped = RandomScaleCrop((64, 48), context=64).transform(MeasureSpacing(self.codec).transform(crowd()))
        left, top = -cropped['homography_matrix'][:2, 2].astype(int)
        np.testing.assert_allclose(self.density(cropped), whole[top : top + 48, left : left + 64], atol=1e-6)

    def test_tiles_of_an_enlarged_and_mirrored_image_add_up(self):
        steps = [
            dict(type='mmcrowd.MeasureSpacing', codec=self.codec),
            dict(type='mmcrowd.ResizeToGrid', tile=(120, 80)),
            dict(type='RandomFlip', prob=1.0),
        ]
        made = crowd(shape=(150, 250))
        for step in steps:
            made = TRANSFORMS.build(step).transform(made)
        assert self.density(made).sum() == pytest.approx(197, abs=1e-3)

    def test_spacing_follows_the_scale(self):
        """Twice as large an image has twice as wide peaks, a quarter as high."""
        peaks = []
        for step in ([], [dict(type='mmcrowd.EnlargeToMinimum', factor=2, min_size=None, multiple=1)]):
            made = MeasureSpacing(self.codec).transform(crowd(20))
            for each in step:
                made = TRANSFORMS.build(each).transform(made)
            peaks.append(self.density(made).max())
        assert peaks[0] == pytest.approx(4 * peaks[1], rel=0.05)

    def test_heads_that_were_not_measured(self):
        made = MeasureSpacing(self.codec).transform(crowd())
        made['gt_bboxes'], made['gt_ignore_flags'] = made['gt_bboxes'][:50], made['gt_ignore_flags'][:50]
        with pytest.raises(ValueError, match=r'a/b\.jpg: MeasureSpacing measured 200 heads, and now there are 50'):
            self.density(made)

    @pytest.mark.parametrize('number', [0, 1, 3])
    def test_few_heads(self, number: int):
        made = crowd(number + 3)
        assert self.density(MeasureSpacing(self.codec).transform(made)).sum() == pytest.approx(number, abs=1e-4)
