import numpy as np
import pytest

from mmcrowd.datasets.transforms import EncodeTargets
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
