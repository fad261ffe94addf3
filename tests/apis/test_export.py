"""ONNX files give what the model gives, for images of other sizes than the one that they were recorded with."""

import io

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmcrowd.apis import CrowdInferencer, export_onnx
from mmcrowd.apis.export import (
    ExportableCrowd,
    _compare,
    _record,
    rendered_crowd,
    use_standard_operators,
    why_not_exported,
)
from mmcrowd.codecs import CrossCodec, DensityCodec, FIDTCodec, HeadHeatmapCodec, InstanceMapCodec, P2RCodec
from mmcrowd.codecs.in_graph import decode_in_graph
from mmcrowd.models.necks.dla_up import ExactDeformConv
from mmcrowd.registry import MODELS
from tests.docs.pages import blocks
from tests.models.test_density_networks import small

CODECS = [
    FIDTCodec(stride=2, dedup_ties=True),
    FIDTCodec(stride=1, relative=False, threshold=0.6, pre_avg_pool=3, min_score=0.2),
    P2RCodec(stride=4, threshold=0.7),
    CrossCodec(stride=2, threshold=0.4),
    HeadHeatmapCodec(stride=4),
]


@pytest.mark.parametrize('codec', CODECS, ids=lambda codec: type(codec).__name__)
@pytest.mark.parametrize('levels', [2, 8, 10_000])
def test_decoding_is_that_of_the_codec(codec, levels: int) -> None:
    """Few levels make plateaus and ties."""
    shape = (61, 83)
    maps = torch.randint(levels + 1, (1, len(codec.predicted), *codec.map_shape(shape))) / levels
    points, scores = decode_in_graph(codec, maps, shape)
    expected = codec.decode(maps, [shape])[0]
    assert len(points) > 0
    torch.testing.assert_close(points, expected.points)
    torch.testing.assert_close(scores, expected.scores)


def test_a_map_without_heads() -> None:
    points, scores = decode_in_graph(FIDTCodec(), torch.full((1, 1, 9, 9), 0.05), (9, 9))
    assert points.shape == (0, 2)
    assert scores.shape == (0,)


def test_a_density_is_summed() -> None:
    count, density = decode_in_graph(DensityCodec(stride=8), torch.rand(1, 1, 5, 6) - 0.2, (40, 48))
    assert density.shape == (5, 6)
    torch.testing.assert_close(count, density.double().sum())


@pytest.mark.parametrize(
    ('codec', 'words'),
    [(InstanceMapCodec(), 'connected components'), (DensityCodec(locates=True), 'transport')],
    ids=['components', 'transport'],
)
def test_what_no_graph_holds_is_said(codec, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        decode_in_graph(codec, torch.rand(1, 1, 4, 4), (4, 4))


def test_a_detector_of_boxes_is_refused() -> None:
    assert 'MMDeploy' in why_not_exported(torch.nn.Identity())
    with pytest.raises(ValueError, match='Identity'):
        ExportableCrowd(torch.nn.Identity())


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        ('raz/raz-net_vgg16_sha.py', 'several passes'),
        ('density/deep-count_vgg16_9e_sha.py', 'tiles of one size'),
        ('iim/head-size-lite_8e-crops_scut-a.py', 'points that are known'),
    ],
)
def test_what_is_no_single_pass_over_the_image_is_refused(repo_root, config: str, message: str) -> None:
    with torch.device('meta'):
        model = MODELS.build(Config.fromfile(repo_root / 'configs' / config).model)
    assert message in why_not_exported(model)


@pytest.mark.parametrize('name', ['points', 'png'])
def test_other_endings_are_refused(name: str, tmp_path) -> None:
    with pytest.raises(ValueError, match=r'ends in \.onnx'):
        export_onnx(None, tmp_path / f'crowd.{name}')


@pytest.fixture(scope='module')
def shipped() -> CrowdInferencer:
    return CrowdInferencer(device='cpu')


def test_the_model_that_comes_along(shipped, tmp_path, repo_root, monkeypatch) -> None:
    pytest.importorskip('onnx', reason='needs the extra onnx')
    runtime = pytest.importorskip('onnxruntime', reason='needs the extra onnx')
    path = export_onnx(shipped, tmp_path / 'new' / 'crowd.onnx')
    session = runtime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    assert 'research' in session.get_modelmeta().custom_metadata_map['trained_on']
    found = 0
    for seed, shape in enumerate([(203, 277), (160, 301)]):
        image = rendered_crowd(shape, seed)
        points, scores = session.run(['points', 'scores'], {'image': image})
        expected = shipped.predict(image)
        np.testing.assert_allclose(points, expected.points, atol=0.5)
        np.testing.assert_allclose(scores, expected.scores, atol=1e-3)
        found += len(points)
    assert found > 0
    # The program of the guide, with the last of these images.
    (guide,) = blocks(repo_root / 'docs' / 'en' / 'user_guides' / 'onnx.md', 'python')
    cv2.imwrite(str(tmp_path / 'photo.png'), image)
    monkeypatch.setattr('sys.argv', ['heads.py', str(path), str(tmp_path / 'photo.png'), str(tmp_path / 'none.png')])
    exec(guide.code, {})
    assert (tmp_path / 'photo.png.csv').read_text().count('\n') == len(points) + 1
    assert (tmp_path / 'photo.png.heads.png').is_file()


@pytest.mark.parametrize('name', ['cannet', 'bl'])
def test_what_depends_on_the_size_of_the_image(name: str, tmp_path) -> None:
    """CANNet averages over parts of the image, BL aligns its corners."""
    pytest.importorskip('onnx', reason='needs the extra onnx')
    pytest.importorskip('onnxruntime', reason='needs the extra onnx')
    wrapped = ExportableCrowd(small(name)).eval()
    _compare(_record(wrapped), wrapped, tmp_path / 'crowd.onnx')


@pytest.mark.filterwarnings('ignore')
def test_deformable_convolutions_are_those_of_onnx() -> None:
    onnx = pytest.importorskip('onnx', reason='needs the extra onnx')
    runtime = pytest.importorskip('onnxruntime', reason='needs the extra onnx')
    torch.manual_seed(0)
    layer, file = ExactDeformConv(4, 6, 3, padding=1).eval(), io.BytesIO()
    torch.nn.init.normal_(layer.conv_offset.weight, std=0.5)  # as built, nothing is moved
    x = torch.randn(1, 4, 9, 12)
    torch.onnx.export(layer, (x,), file, input_names=['x'], opset_version=19, dynamo=False)
    model = onnx.load_model_from_string(file.getvalue())
    use_standard_operators(model)
    session = runtime.InferenceSession(model.SerializeToString(), providers=['CPUExecutionProvider'])
    with torch.no_grad():
        np.testing.assert_allclose(session.run(None, {'x': x.numpy()})[0], layer(x).numpy(), atol=1e-5)


def test_a_graph_that_no_runtime_takes_is_said_in_a_line(shipped, tmp_path, monkeypatch) -> None:
    pytest.importorskip('onnx', reason='needs the extra onnx')
    pytest.importorskip('onnxruntime', reason='needs the extra onnx')
    monkeypatch.setattr('mmcrowd.apis.export._finish', lambda graph, crowd: b'no graph')
    monkeypatch.setattr('mmcrowd.apis.export._record', lambda wrapped: b'')
    with pytest.raises(ValueError, match=r'not written, onnxruntime \S+ refuses the graph'):
        export_onnx(shipped, tmp_path / 'crowd.onnx')


def test_a_graph_that_differs_is_not_written(shipped, tmp_path, monkeypatch) -> None:
    pytest.importorskip('onnxruntime', reason='needs the extra onnx')
    monkeypatch.setattr('mmcrowd.apis.export._record', _constant_graph)
    with pytest.raises(ValueError, match='not written'):
        export_onnx(shipped, tmp_path / 'crowd.onnx')
    assert not list(tmp_path.iterdir())


def _constant_graph(wrapped: ExportableCrowd) -> bytes:
    from onnx import TensorProto, helper

    image = helper.make_tensor_value_info('image', TensorProto.UINT8, ['height', 'width', 3])
    values = [np.zeros((1, 2), np.float32), np.ones(1, np.float32)]
    outputs, nodes = [], []
    for name, value in zip(['points', 'scores'], values, strict=True):
        tensor = helper.make_tensor(name, TensorProto.FLOAT, value.shape, value.ravel())
        nodes.append(helper.make_node('Constant', [], [name], value=tensor))
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, value.shape))
    graph = helper.make_graph(nodes, 'constants', [image], outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8).SerializeToString()


def test_a_pipeline_that_resizes_is_refused(shipped, tmp_path) -> None:
    pytest.importorskip('onnx', reason='needs the extra onnx')
    crowd = object.__new__(CrowdInferencer)
    crowd.model, crowd.zoo_model = shipped.model, None
    steps = [dict(type='Resize', scale=(64, 64)), dict(type='mmcrowd.PackCrowdInputs')]
    crowd.cfg = Config(dict(test_dataloader=dict(dataset=dict(pipeline=steps))))
    with pytest.raises(ValueError, match='Resize'):
        export_onnx(crowd, tmp_path / 'crowd.onnx')


def test_an_exportable_model_predicts_what_the_detector_does(repo_root) -> None:
    cfg = Config.fromfile(repo_root / 'tests/data/tiny_fidt.py')
    init_default_scope('mmcrowd')
    model = MODELS.build(cfg.model).eval()
    image = torch.randint(256, (50, 70, 3), dtype=torch.uint8)
    with torch.no_grad():
        points, _ = ExportableCrowd(model)(image)
        data = model.data_preprocessor(dict(inputs=[image.permute(2, 0, 1)], data_samples=None))
        expected = model.decode_images(data['inputs'], [(50, 70)])[0][0]
    torch.testing.assert_close(points, expected.points)
