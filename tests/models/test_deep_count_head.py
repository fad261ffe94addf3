"""DeepCount: sizes, multiply-adds, losses of all outputs, prediction with and without branches, full tiles."""

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData, PixelData
from torch import nn

from mmcrowd.codecs import DensityCodec
from mmcrowd.models import CrowdLocalizer, DeepCountHead
from mmcrowd.registry import MODELS
from mmcrowd.utils.errors import WeightsError
from mmcrowd.utils.weights import load_weights

COUNTS = ('backbone', 'branch_1', 'branch_2', 'branch_3', 'branch_4', 'branch_5')
CODEC = dict(type='mmcrowd.DensityCodec', stride=8, sigma=5, border='image')
LOSSES = dict(map=dict(type='mmcrowd.MapL1Loss', normalizer='batch', loss_weight=0.01))
SMALL = dict(in_channels=4, channels=4, mid_channels=6, code_channels=8, grid=(1, 2))
TILE = (128, 256)


def head_of(codec: dict = CODEC, **options) -> DeepCountHead:
    return DeepCountHead(codec=codec, losses=LOSSES, **(SMALL | options))


def sample_of(points: np.ndarray, shape: tuple[int, int] = TILE) -> DetDataSample:
    data = DetDataSample(metainfo=dict(img_shape=shape, img_path='a.jpg', scale_factor=(1.0, 1.0)))
    points = np.asarray(points, np.float32).reshape(-1, 2)
    data.gt_instances = InstanceData(points=torch.from_numpy(points))
    maps = DensityCodec(8, sigma=5, border='image').encode(points, None, shape)
    data.gt_map = PixelData(**{name: torch.from_numpy(value) for name, value in maps.items()})
    return data


class TestPublishedNetwork:
    @pytest.fixture(scope='class')
    def head(self) -> DeepCountHead:
        with torch.device('meta'):
            return DeepCountHead(codec=CODEC, losses=LOSSES)

    def test_parameters(self, head):
        """With the 7,635,264 of VGG-16's first ten convolutions, 21,403,201 and five branches."""
        branches = [sum(p.numel() for p in branch.parameters()) for branch in head.branches.values()]
        assert branches == [11_536_129, 9_438_721, 7_341_313, 5_243_905, 3_146_497]
        assert sum(p.numel() for p in head.parameters()) - sum(branches) + 7_635_264 == 21_403_201

    def test_multiply_adds(self, head):
        """Per layer by the paper's formula, whose table is rounded to millions; 37.75 is cut to 37 there."""
        found: dict[str, list[float]] = {}
        weights = {path: layer.weight.numel() for path, layer in head.named_modules() if hasattr(layer, 'weight')}
        narrow = head_of(grid=(3, 4))  # sizes are those of the published widths

        def note(path: str):
            branch = path.split('.')[1] if path.startswith('branches') else 'backbone'

            def hook(layer: nn.Module, _, output: torch.Tensor) -> None:
                found.setdefault(branch, []).append(output.shape[-2] * output.shape[-1] * weights[path] / 1e6)

            return hook

        for path, layer in narrow.named_modules():
            if hasattr(layer, 'weight'):
                layer.register_forward_hook(note(path))
        narrow((torch.zeros(1, 4, 48, 64),))
        assert [round(x, 4) for x in found['backbone']] == [
            *(3623.8787, 905.9697, 905.9697, 226.4924, 226.4924, 56.6231, 56.6231, 14.1558, 14.1558, 3.1457, 0.001)
        ]
        assert [round(sum(found[name]), 1) for name in ('backbone', *'12345')] == [
            *(6033.5, 8595.7, 2152.1, 541.2, 138.4, 37.8)
        ]


def test_outputs_and_sizes():
    (outputs,) = head_of()((torch.rand(2, 4, 16, 32),))
    assert {name: tuple(value.shape) for name, value in outputs.items()} == {
        'backbone': (2, 1, 1, 1),
        **{f'branch_{j}': (2, 1, 32 // 2**j, 64 // 2**j) for j in range(1, 6)},
    }


def test_outputs_are_leaky():
    head = head_of(branches=())
    nn.init.zeros_(head.count[0].weight)
    nn.init.constant_(head.count[0].bias, -10)
    (outputs,) = head((torch.rand(1, 4, 16, 32),))
    assert outputs['backbone'].item() == pytest.approx(-2)
    assert head.to_maps(outputs).sum() == 0


class TestLoss:
    def test_against_the_definition(self):
        """(sum over images and outputs of the absolute errors of all cells, the count's 16 times) / (100 N)."""
        rng = np.random.default_rng(0)
        head, samples = head_of(), [sample_of(rng.uniform(0, (256, 128), (n, 2))) for n in (7, 0)]
        losses = head.loss((torch.rand(2, 4, 16, 32),), samples)
        assert set(losses) == {f'loss_map_{name}' for name in COUNTS}
        torch.manual_seed(0)
        (outputs,) = head((torch.rand(2, 4, 16, 32),))
        losses = head.loss_by_feat(outputs, samples)
        for name, value in outputs.items():
            expected = 0.0
            for got, sample in zip(value, samples, strict=True):
                fine = sample.gt_map.density[0].numpy()
                rows, columns = got.shape[-2:]
                want = fine.reshape(rows, 16 // rows, columns, 32 // columns).sum((1, 3))
                expected += np.abs(got[0].detach().numpy() - want).sum()
            expected *= (16 if name == 'backbone' else 1) / (2 * 100)
            assert losses[f'loss_map_{name}'].item() == pytest.approx(expected, rel=1e-4)

    def test_all_branches_teach_the_backbone(self):
        head = head_of(branches=(1, 5))
        losses = head.loss((torch.rand(1, 4, 16, 32),), [sample_of([[30, 40]])])
        sum(losses.values()).backward()
        assert set(losses) == {'loss_map_backbone', 'loss_map_branch_1', 'loss_map_branch_5'}
        assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in head.parameters())

    def test_padding_holds_no_heads_and_ignored_regions_do_not_count(self):
        head, sample = head_of(), sample_of([[30, 40]], (100, 200))
        (outputs,) = head((torch.rand(1, 4, 16, 32),))
        plain = head.loss_by_feat(outputs, [sample])
        expected = 0.16 * (outputs['backbone'] - 1).abs()
        assert plain['loss_map_backbone'].item() == pytest.approx(expected.item(), rel=1e-4)
        changed = dict(outputs, branch_1=outputs['branch_1'].detach().clone())
        changed['branch_1'][..., 15, 31] += 5
        assert head.loss_by_feat(changed, [sample])['loss_map_branch_1'] > plain['loss_map_branch_1'] + 0.01
        sample.ignored_instances = InstanceData(bboxes=HorizontalBoxes(torch.tensor([[100.0, 50, 130, 70]])))
        ignoring = head.loss_by_feat(outputs, [sample])
        assert ignoring['loss_map_backbone'] == 0, 'the count of the tile is not known'
        assert 0 < ignoring['loss_map_branch_1'] < plain['loss_map_branch_1']


def localizer(branches=(), counts=(), grid=(1, 2), **test_cfg) -> CrowdLocalizer:
    torch.manual_seed(0)
    tile = tuple(128 * side for side in grid)
    model = MODELS.build(
        dict(
            type='mmcrowd.CrowdLocalizer',
            data_preprocessor=dict(type='mmcrowd.CrowdDataPreprocessor', pad_size_divisor=8),
            backbone=dict(type='mmcrowd.VGG', channels=(4, 4, 4, 4, 4), out_indices=(3,), norm_cfg=None),
            bbox_head=dict(
                type='mmcrowd.DeepCountHead',
                codec=dict(CODEC, counts=counts, count_padding=True),
                losses=LOSSES,
                branches=branches,
                **SMALL,
            ),
            test_cfg=dict(mode='tile', tile=tile, halo=0, full_tiles=True, **test_cfg),
        )
    )
    model.init_weights()
    nn.init.constant_(model.bbox_head.count[0].bias, 3)
    return model.eval()


def predict(model: CrowdLocalizer, shape: tuple[int, int]) -> DetDataSample:
    sample = DetDataSample(metainfo=dict(img_shape=shape, scale_factor=(1.0, 1.0)))
    image = torch.rand(1, 3, *shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return model.predict(image, [sample])[0]


class TestPrediction:
    def test_the_same_with_and_without_branches(self):
        full, bare = localizer((1, 2, 3, 4, 5), COUNTS), localizer()
        assert load_weights(bare, full.state_dict(), 'full.pth') == len(bare.state_dict())
        one, other = (predict(model, (256, 512)) for model in (full, bare))
        assert one.pred_count == other.pred_count
        torch.testing.assert_close(one.pred_map.density, other.pred_map.density)
        assert one.pred_count_backbone == one.pred_count
        assert one.pred_count_branch_5 != one.pred_count
        counts = {name: one.get(f'pred_count_{name}').item() for name in COUNTS}
        for name in COUNTS:
            assert one.pred_map.get(name).sum().item() == pytest.approx(counts[name], rel=1e-4)
        assert 'pred_instances' not in other

    def test_six_counts_in_one_test(self, repo_root):
        """The evaluators of the configs read the count and every branch."""
        configs = Config.fromfile(repo_root / 'configs/density/deep-count_vgg16_9e_sha.py')
        evaluator = Evaluator([cfg for cfg in configs.test_evaluator if cfg['type'] == 'mmcrowd.CrowdCountingMetric'])
        sample = predict(localizer((1, 2, 3, 4, 5), COUNTS), (256, 512))
        sample.set_metainfo(dict(img_id=0, ori_shape=(256, 512)))
        sample.gt_instances = InstanceData(points=torch.rand(5, 2) * 256)
        evaluator.process([sample])
        figures = evaluator.evaluate(1)
        errors = [figures[f'{name}/mae'] for name in ('crowd', *COUNTS[1:])]
        counts = [sample.get(f'pred_count_{name}').item() for name in COUNTS]
        assert errors == pytest.approx([abs(count - 5) for count in counts])
        assert len({round(count, 3) for count in counts}) == 6

    def test_other_weights_are_missed_or_left_over(self):
        state = localizer((1, 5)).state_dict()
        state['bbox_head.branchless.weight'] = torch.ones(1)
        with pytest.raises(WeightsError, match=r'1 not in the model \(bbox_head\.branchless\.weight\)'):
            load_weights(localizer(), state, 'full.pth')
        with pytest.raises(WeightsError, match='not in the file'):
            load_weights(localizer((1, 5)), localizer().state_dict(), 'bare.pth')

    @pytest.mark.parametrize('shape', [(128, 256), (200, 300), (60, 90), (1, 1), (129, 257)])
    def test_tiles_are_full(self, shape: tuple[int, int]):
        """As counted by hand, from an image that is padded to whole tiles first."""
        model = localizer()
        sample = predict(model, shape)
        rows, columns = -(-shape[0] // 128), -(-shape[1] // 256)
        image = torch.zeros(1, 3, 128 * rows, 256 * columns)
        image[..., : shape[0], : shape[1]] = torch.rand(1, 3, *shape, generator=torch.Generator().manual_seed(1))
        total = 0.0
        with torch.no_grad():
            for top, left in np.ndindex(rows, columns):
                tile = image[..., 128 * top : 128 * top + 128, 256 * left : 256 * left + 256]
                total += model.bbox_head(model.extract_feat(tile))[0]['backbone'].clamp(min=0).item()
        assert total > 0
        assert sample.pred_count.item() == pytest.approx(total, rel=1e-5)

    def test_a_density_from_a_branch(self):
        model = localizer((3,), ('branch_3',))
        spread = predict(model, TILE)
        model.bbox_head.density_from = 3
        drawn = predict(model, TILE)
        assert drawn.pred_count.item() == pytest.approx(spread.pred_count.item(), rel=1e-5)
        assert drawn.pred_map.density.std() > spread.pred_map.density.std()

    def test_tiles_that_cannot_be_full(self):
        model = localizer()
        model.test_cfg = dict(mode='tile', tile=(128, 256), halo=8, full_tiles=True)
        with pytest.raises(ValueError, match="full_tiles needs mode='tile', halo=0"):
            predict(model, TILE)
        model.test_cfg = dict(mode='whole')
        with pytest.raises(ValueError, match=r'takes tiles of \[128, 256\] pixels.* got \[8, 32\]'):
            predict(model, (64, 256))


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(branches=(0,)), 'branches must be of 1 to 5'),
        (dict(branches=(2,), density_from=1), r'density_from=1 is none of the branches \(2,\)'),
        (dict(branches=(), codec=dict(CODEC, counts=('branch_1',))), r"counts \['backbone'\], but its codec names"),
    ],
)
def test_bad_options(options: dict, message: str):
    with pytest.raises(ValueError, match=message):
        head_of(**options)
