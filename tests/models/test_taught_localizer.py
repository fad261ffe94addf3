"""A teacher's maps become targets, in the teacher's own normalisation, and the teacher is no part of the student."""

import copy

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.structures import InstanceData, PixelData
from safetensors.torch import load_file

from mmcrowd.models import CrowdLocalizer, TaughtLocalizer
from mmcrowd.registry import MODELS
from mmcrowd.utils.weights import save_weights

SHAPES = [(64, 64), (41, 52)]


@pytest.fixture
def student(repo_root) -> dict:
    """A narrow fidt_lite."""
    model = Config.fromfile(repo_root / 'configs/_base_/models/fidt_lite.py').model.to_dict()
    model['backbone'] = dict(type='mmcrowd.SpaceToDepthResNet', channels=(4, 4, 8, 8, 8), blocks=(0, 1, 1, 1, 1))
    model['neck'] = dict(type='mmcrowd.TopDownPyramid', in_channels=(4, 4, 8, 8, 8), out_channels=(4, 8, 8, 8, 8))
    model['bbox_head']['in_channels'] = 4
    return model


@pytest.fixture
def teacher(student) -> dict:
    """The same network with a density, and with another normalisation."""
    model = copy.deepcopy(student)
    points, density = (dict(type=f'mmcrowd.{name}Codec', stride=2) for name in ('FIDT', 'Density'))
    model['bbox_head'] |= dict(
        type='mmcrowd.CountedFIDTHead',
        codec=dict(type='mmcrowd.CountedPointsCodec', points=points, density=density),
        density=dict(type='mmcrowd.DensityHead', losses={}),
    )
    model['data_preprocessor'] |= dict(mean=[100.0, 90.0, 80.0], std=[50.0, 60.0, 70.0], bgr_to_rgb=False)
    return model


@pytest.fixture
def weights(teacher, tmp_path) -> str:
    torch.manual_seed(0)
    model = MODELS.build(teacher)
    # Untrained, it finds some heads by these.
    model.bbox_head.layers[-1].bias.data += 0.5
    model.bbox_head.density.conv.weight.data *= 0
    model.bbox_head.density.conv.bias.data += 0.02
    path = tmp_path / 'teacher.safetensors'
    save_weights(path, model.state_dict())
    return str(path)


def build(student: dict, teacher: dict | str, weights: str, **options) -> TaughtLocalizer:
    torch.manual_seed(1)
    taught = dict(student, type='mmcrowd.TaughtLocalizer', teacher_config=teacher, teacher_ckpt=weights, **options)
    return MODELS.build(taught)


def batch(codec) -> dict:
    rng = np.random.default_rng(0)
    samples = []
    for height, width in SHAPES:
        points = rng.uniform(0, (width, height), (6, 2)).astype(np.float32)
        sample = DetDataSample(metainfo=dict(img_shape=(height, width), img_path='here.jpg'))
        sample.gt_instances = InstanceData(points=torch.from_numpy(points))
        drawn = codec.encode(points, None, (height, width))
        sample.gt_map = PixelData(**{name: torch.from_numpy(value) for name, value in drawn.items()})
        samples.append(sample)
    images = [torch.from_numpy(rng.integers(0, 256, (3, *shape), np.uint8)) for shape in SHAPES]
    return dict(inputs=images, data_samples=samples)


def by_itself(teacher: dict, weights: str, images: list[torch.Tensor]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """What the teacher finds in images by its own way: FIDT map (1, h, w) and points (N, 2) of each."""
    model = MODELS.build(teacher).eval()
    model.load_state_dict(load_file(weights))
    data = dict(inputs=images, data_samples=[DetDataSample() for _ in images])
    maps = model.predict_maps(model.data_preprocessor(data, True)['inputs']).detach()
    found = model.bbox_head.codec.decode(maps, SHAPES)
    sizes = [(-(-h // 2), -(-w // 2)) for h, w in SHAPES]
    return [(m[:1, :h, :w], heads.points) for m, (h, w), heads in zip(maps, sizes, found, strict=True)]


@pytest.mark.parametrize('share', [0.25, 1])
def test_targets_are_mixed_with_what_the_teacher_predicts_by_itself(student, teacher, weights, share: float) -> None:
    model = build(student, teacher, weights, share=share)
    data = batch(model.bbox_head.codec)
    expected = by_itself(teacher, weights, data['inputs'])
    drawn = [sample.gt_map.fidt.clone() for sample in data['data_samples']]
    prepared = model.data_preprocessor(copy.deepcopy(data), True)
    model.teach(prepared['inputs'], prepared['data_samples'])
    for sample, (target, _), own in zip(prepared['data_samples'], expected, drawn, strict=True):
        torch.testing.assert_close(sample.gt_map.fidt, share * target + (1 - share) * own, atol=1e-5, rtol=1e-4)


def test_without_annotation_heads_are_the_teachers(student, teacher, weights) -> None:
    model = build(student, teacher, weights, share=1)
    data = batch(model.bbox_head.codec)
    expected = by_itself(teacher, weights, data['inputs'])
    for sample in data['data_samples']:
        del sample.gt_map, sample.gt_instances
    prepared = model.data_preprocessor(data, True)
    losses = model.loss(prepared['inputs'], prepared['data_samples'])
    assert all(value.isfinite() for value in losses.values())
    assert sum(len(points) for _, points in expected) > 0
    for sample, (_, points) in zip(prepared['data_samples'], expected, strict=True):
        torch.testing.assert_close(sample.gt_instances.points, points)


def test_only_the_student_learns_and_is_saved(student, teacher, weights) -> None:
    model = build(student, teacher, weights)
    plain = MODELS.build(student)
    prepared = model.data_preprocessor(batch(model.bbox_head.codec), True)
    before = {name: value.clone() for name, value in model.teacher.state_dict().items()}
    model.train()
    sum(model.loss(prepared['inputs'], prepared['data_samples']).values()).backward()
    assert model.state_dict().keys() == plain.state_dict().keys()
    assert not model.teacher.training
    assert all(p.grad is None for p in model.teacher.parameters())
    assert any(p.grad.abs().sum() > 0 for p in model.parameters())
    for name, value in model.teacher.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


def test_prediction_needs_no_teacher(student) -> None:
    model = build(student, 'no such config.py', 'no such file.safetensors')
    plain: CrowdLocalizer = MODELS.build(student)
    plain.load_state_dict(model.state_dict())
    image = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(model.eval().predict_maps(image), plain.eval().predict_maps(image))


@pytest.mark.parametrize('share', [0, -1, 1.1, float('nan')])
def test_shares_out_of_range(student, share: float) -> None:
    with pytest.raises(ValueError, match='share above 0, up to 1'):
        build(student, student, '', share=share)


def test_a_teacher_of_other_maps_is_refused(student, teacher, weights, tmp_path) -> None:
    other = copy.deepcopy(student)
    other['bbox_head']['codec'] = dict(type='mmcrowd.P2RCodec', stride=2)
    path = str(tmp_path / 'other.safetensors')
    save_weights(path, MODELS.build(other).state_dict())
    with pytest.raises(ValueError, match=r"learns \['fidt'\] at stride 2, but the teacher .* predicts \['logit'\]"):
        _ = build(student, other, path).teacher
    with pytest.raises(ValueError, match=r'teacher\.safetensors'):
        _ = build(student, student, weights).teacher
