import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmcrowd.codecs import FIDTCodec
from mmcrowd.models import CrowdDataPreprocessor, CrowdLocalizer
from mmcrowd.models.detectors import tile_windows
from mmcrowd.registry import MODELS


def config(**test_cfg) -> dict:
    """A small localizer whose receptive field reaches less than 64 pixels."""
    return dict(
        type='mmcrowd.CrowdLocalizer',
        data_preprocessor=dict(
            type='mmcrowd.CrowdDataPreprocessor',
            mean=[120.0, 110.0, 100.0],
            std=[60.0, 50.0, 40.0],
            bgr_to_rgb=True,
            pad_size_divisor=32,
        ),
        backbone=dict(type='mmcrowd.SpaceToDepthResNet', channels=(4, 8, 8), blocks=(0, 1, 1)),
        neck=dict(type='mmcrowd.TopDownPyramid', in_channels=(4, 8, 8), out_channels=(8, 8, 8)),
        bbox_head=dict(
            type='mmcrowd.FIDTLiteHead',
            in_channels=8,
            codec=dict(type='mmcrowd.FIDTCodec', stride=2),
            losses=dict(map=dict(type='mmcrowd.MapMSELoss')),
        ),
        test_cfg=dict(tile=256, halo=64, **test_cfg),
    )


def build(**test_cfg) -> CrowdLocalizer:
    torch.manual_seed(0)
    model = MODELS.build(config(**test_cfg)).eval()
    for norm in model.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(norm.running_mean, -0.1, 0.1)
            torch.nn.init.uniform_(norm.running_var, 0.5, 1.5)
    return model


def batch(*shapes: tuple[int, int], scale: tuple[float, float] = (1.0, 1.0)) -> dict:
    """Raw data of random images, as the data loader gives it."""
    rng = np.random.default_rng(0)
    images = [torch.from_numpy(rng.integers(0, 256, (3, *s), np.uint8)) for s in shapes]
    samples = [
        DetDataSample(metainfo=dict(img_shape=s, ori_shape=s, scale_factor=scale, img_path=f'{i}.jpg'))
        for i, s in enumerate(shapes)
    ]
    for sample in samples:
        sample.gt_instances = InstanceData(points=torch.zeros(0, 2))
    return dict(inputs=images, data_samples=samples)


def same_points(one: InstanceData, other: InstanceData) -> None:
    assert len(one.points) > 20
    first, second = (i.points[np.lexsort(i.points.numpy().T)] for i in (one, other))
    torch.testing.assert_close(first, second)
    torch.testing.assert_close(one.scores.sort().values, other.scores.sort().values, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(one.bboxes.sum(), other.bboxes.sum())


def test_mirror():
    """The map is the mean of two, and so that of an image is the mirrored map of its mirror image."""
    plain, mean = build(), build(mirror=True)
    image = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        maps = mean.predict_maps(image)
        expected = (plain.predict_maps(image) + plain.predict_maps(image.flip(3)).flip(3)) / 2
        torch.testing.assert_close(maps, expected)
        torch.testing.assert_close(mean.predict_maps(image.flip(3)), maps.flip(3))
        assert not torch.allclose(maps, plain.predict_maps(image))
        mean.bbox_head.codec = FIDTCodec(stride=3)
        with pytest.raises(ValueError, match='mirror: the map covers 144 columns of pixels, but the image has 96'):
            mean.predict_maps(image)


@pytest.mark.parametrize('shape', [(300, 500), (128, 128), (129, 640), (257, 31), (1, 400)])
def test_tiles_equal_the_whole(shape: tuple[int, int]):
    whole = build(mode='whole').test_step(batch(shape))[0].pred_instances
    tiled = build(mode='tile').test_step(batch(shape))[0].pred_instances
    assert len(whole) == len(tiled)
    if min(shape) > 100:
        same_points(whole, tiled)


def test_raw_images_give_the_points_of_normalised_ones():
    """Images above ``lazy_pixels`` reach the detector as uint8 and are normalised tile by tile."""
    whole, lazy = build(mode='whole'), build(mode='auto', max_pixels=10_000)
    lazy.data_preprocessor.lazy_pixels = 10_000
    data = lazy.data_preprocessor(batch((300, 500)), False)
    assert data['inputs'][0].dtype == torch.uint8
    assert data['data_samples'][0].batch_input_shape == (320, 512)
    same_points(
        whole.test_step(batch((300, 500)))[0].pred_instances, lazy.test_step(batch((300, 500)))[0].pred_instances
    )


@pytest.mark.parametrize('options', [dict(mode='whole'), dict(mode='auto', max_pixels=2**22)])
def test_raw_images_are_predicted_whole_where_the_options_say_so(options: dict, monkeypatch: pytest.MonkeyPatch):
    plain, lazy = build(**options), build(**options)
    lazy.data_preprocessor.lazy_pixels = 10_000
    inputs = []
    monkeypatch.setattr(lazy, '_cut', lambda *args: inputs.append(args) or CrowdLocalizer._cut(lazy, *args))
    same_points(*(model.test_step(batch((300, 500)))[0].pred_instances for model in (plain, lazy)))
    assert len(inputs) == 1


@pytest.mark.parametrize('mode', ['whole', 'tile'])
@pytest.mark.parametrize('stride', [1, 4])
def test_codec_of_another_stride_than_the_network(mode: str, stride: int):
    model = build(mode=mode)
    model.bbox_head.codec = FIDTCodec(stride)
    with pytest.raises(ValueError, match=f'codec has stride {stride}, but the network makes maps of'):
        model.test_step(batch((128, 128)))


def test_batch_of_small_and_huge_images():
    model = build(mode='auto', max_pixels=30_000)
    model.data_preprocessor.lazy_pixels = 30_000
    results = model.test_step(batch((64, 64), (200, 300)))
    alone = model.test_step(batch((64, 64)))
    assert len(results) == 2
    assert len(results[0].pred_instances) == len(alone[0].pred_instances)


def test_maps_on_request():
    shape = (301, 501)
    plain = build(mode='whole').test_step(batch(shape))[0]
    assert 'pred_map' not in plain
    whole = build(mode='whole', return_maps=True).test_step(batch(shape))[0].pred_map.fidt
    tiled = build(mode='tile', return_maps=True).test_step(batch(shape))[0].pred_map.fidt
    assert whole.shape == (1, 151, 251)
    torch.testing.assert_close(whole, tiled, rtol=1e-4, atol=1e-5)


def test_maps_are_float32_under_autocast():
    with torch.autocast('cpu', torch.bfloat16):
        sample = build(return_maps=True).test_step(batch((64, 64)))[0]
    assert sample.pred_map.fidt.dtype == torch.float32


def test_points_are_in_original_pixels():
    one = build().test_step(batch((128, 128)))[0].pred_instances
    half = build().test_step(batch((128, 128), scale=(2.0, 4.0)))[0].pred_instances
    torch.testing.assert_close(half.points, one.points / torch.tensor([2.0, 4.0]))


def test_no_points_in_the_padding():
    points = build(mode='whole').test_step(batch((100, 70), (128, 128)))[0].pred_instances.points
    assert len(points)
    assert (points[:, 0] < 71).all()
    assert (points[:, 1] < 101).all()


@pytest.mark.parametrize(('size', 'core', 'halo'), [(1, 4, 2), (4, 4, 2), (5, 4, 2), (100, 7, 3)])
def test_windows_partition_the_axis(size: int, core: int, halo: int):
    windows = list(tile_windows(size, core, halo))
    cores = np.concatenate([np.arange(start, stop) for _, _, start, stop in windows])
    np.testing.assert_array_equal(cores, np.arange(size))
    for first, last, start, stop in windows:
        assert first == max(start - halo, 0)
        assert last == min(stop + halo, size)


def test_bad_options():
    with pytest.raises(ValueError, match='mode'):
        build(mode='tiles').test_step(batch((64, 64)))
    with pytest.raises(ValueError, match='no core'):
        MODELS.build(dict(config(mode='tile'), test_cfg=dict(mode='tile', tile=64, halo=32))).eval().test_step(
            batch((64, 64))
        )


class TestPreprocessor:
    def test_small_images_as_mmdet(self):
        ours = CrowdDataPreprocessor(mean=[1, 2, 3], std=[2, 2, 2], bgr_to_rgb=True, pad_size_divisor=32)
        stock = MODELS.build(
            dict(type='mmdet.DetDataPreprocessor', mean=[1, 2, 3], std=[2, 2, 2], bgr_to_rgb=True, pad_size_divisor=32)
        )
        torch.testing.assert_close(ours(batch((33, 50)))['inputs'], stock(batch((33, 50)))['inputs'])

    def test_prepare_is_the_same_normalisation(self):
        pre = CrowdDataPreprocessor(mean=[1, 2, 3], std=[2, 3, 4], bgr_to_rgb=True)
        data = batch((33, 50))
        image = data['inputs'][0]
        torch.testing.assert_close(pre.prepare(image), pre(data)['inputs'][0])
        plain = CrowdDataPreprocessor()
        torch.testing.assert_close(plain.prepare(image), image.float())

    def test_training_is_never_lazy(self):
        pre = CrowdDataPreprocessor(lazy_pixels=1)
        assert pre(batch((33, 50)), True)['inputs'].dtype == torch.float32
