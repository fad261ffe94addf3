import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData, PixelData

from mmcrowd.codecs import FIDTCodec
from mmcrowd.models import CountedFIDTHead, FIDTHead, FIDTLiteHead

LOSSES = dict(map=dict(type='mmcrowd.MapMSELoss'), ssim=dict(type='mmcrowd.InstanceSSIMLoss', region=15))


def sample(points: np.ndarray, shape: tuple[int, int], codec: FIDTCodec) -> DetDataSample:
    """A packed training sample of an image of ``shape`` with heads at ``points``."""
    data = DetDataSample(metainfo=dict(img_shape=shape, img_path='here.jpg', scale_factor=(2.0, 4.0)))
    points = np.asarray(points, np.float32).reshape(-1, 2)
    data.gt_instances = InstanceData(points=torch.from_numpy(points))
    data.gt_map = PixelData(**{k: torch.from_numpy(v) for k, v in codec.encode(points, None, shape).items()})
    return data


def make(stride: int = 2) -> FIDTLiteHead:
    return FIDTLiteHead(in_channels=8, codec=dict(type='mmcrowd.FIDTCodec', stride=stride), losses=LOSSES)


def test_published_parameter_counts(repo_root):
    """HRNet-W48 65,325,120 + head 1,258,929 = 66,584,049."""
    from mmengine.config import Config

    from mmcrowd.registry import MODELS

    cfg = Config.fromfile(repo_root / 'configs/_base_/models/fidt_hrnet_w48.py').model
    cfg.backbone.init_cfg = None
    with torch.device('meta'):
        model = MODELS.build(cfg)
    count = {name: sum(p.numel() for p in part.parameters()) for name, part in model.named_children()}
    assert count['backbone'] == 65_325_120
    assert count['bbox_head'] == 1_258_929
    assert sum(count.values()) == 66_584_049


class TestLoss:
    @pytest.mark.parametrize('counts', [[0, 0], [0, 5], [1, 0], [40, 40]])
    def test_finite_with_gradients(self, counts: list[int]):
        head = make()
        rng = np.random.default_rng(0)
        samples = [sample(rng.uniform(0, 64, (n, 2)), (64, 64), head.codec) for n in counts]
        losses = head.loss((torch.rand(2, 8, 32, 32),), samples)
        assert set(losses) == {'loss_map', 'loss_ssim'}
        sum(losses.values()).backward()
        assert all(torch.isfinite(v) for v in losses.values())
        assert all(torch.isfinite(p.grad).all() for p in head.parameters())

    def test_small_images_are_padded_without_loss(self):
        head = make().eval()
        points = np.array([[5.0, 6.0], [30.0, 20.0]])
        features = torch.rand(1, 8, 32, 32)
        samples = [sample(points, (24, 40), head.codec)]
        (pred,) = head((features,))
        changed = pred.detach().clone()
        changed[..., 12:, :] = 9
        changed[..., 20:] = 9
        before, after = head.loss_by_feat(pred, samples), head.loss_by_feat(changed, samples)
        for name in before:
            assert before[name].item() == pytest.approx(after[name].item())

    def test_sizes_that_the_stride_does_not_divide(self):
        head = make()
        losses = head.loss((torch.rand(1, 8, 16, 16),), [sample([[20.9, 30.9]], (31, 21), head.codec)])
        assert torch.isfinite(losses['loss_ssim'])

    def test_perfect_prediction_costs_nothing(self):
        head = make()
        data = sample([[10.0, 10.0], [40.0, 50.0]], (64, 64), head.codec)
        losses = head.loss_by_feat(data.gt_map.fidt[None], [data])
        assert sum(losses.values()).item() == pytest.approx(0, abs=1e-5)

    def test_other_codec_than_the_targets(self):
        with pytest.raises(ValueError, match=r'here\.jpg.*same codec'):
            make(2).loss((torch.rand(1, 8, 32, 32),), [sample([[10.0, 10.0]], (64, 64), FIDTCodec(1))])

    def test_targets_of_no_codec(self):
        data = sample([[10.0, 10.0]], (64, 64), FIDTCodec(2))
        data.gt_map = PixelData(density=data.gt_map.fidt)
        with pytest.raises(ValueError, match=r"here\.jpg: expected the target maps \['fidt'\].*found \['density'\]"):
            make(2).loss((torch.rand(1, 8, 32, 32),), [data])
        del data.gt_map
        with pytest.raises(ValueError, match=r'here\.jpg: expected the target maps.*found \[\].*put EncodeTargets'):
            make(2).loss((torch.rand(1, 8, 32, 32),), [data])

    @pytest.mark.parametrize('stride', [1, 4])
    def test_other_stride_than_the_networks(self, stride: int):
        data = sample([[10.0, 10.0]], (60, 64), FIDTCodec(stride))
        data.set_metainfo(dict(batch_input_shape=(64, 64)))
        with pytest.raises(ValueError, match=rf'codec has stride {stride}, but .* maps of \(32, 32\) cells'):
            make(stride).loss((torch.rand(1, 8, 32, 32),), [data])


class TestPredict:
    def test_rescale_to_the_original(self):
        head = make()
        data = sample([[10.5, 20.5]], (64, 64), head.codec)
        (plain,) = head.predict_by_feat(data.gt_map.fidt[None], [data.metainfo])
        (scaled,) = head.predict_by_feat(data.gt_map.fidt[None], [data.metainfo], rescale=True)
        np.testing.assert_allclose(plain.points, [[11.0, 21.0]])
        np.testing.assert_allclose(scaled.points, [[5.5, 5.25]])
        np.testing.assert_allclose(scaled.bboxes, plain.bboxes / torch.tensor([2.0, 4.0, 2.0, 4.0]))
        assert plain.labels.dtype == torch.long

    def test_no_heads(self):
        (got,) = make().predict_by_feat(torch.zeros(1, 1, 32, 32), [dict(img_shape=(64, 64))])
        assert got.points.shape == (0, 2)
        assert got.bboxes.shape == (0, 4)

    def test_deconvolution_head_sizes(self):
        head = FIDTHead(8, (4, 1), codec=dict(type='mmcrowd.FIDTCodec'), losses=LOSSES)
        assert head((torch.rand(1, 8, 7, 9),))[0].shape == (1, 1, 28, 36)
        got = head.predict((torch.rand(1, 8, 7, 9),), [sample([], (27, 33), head.codec)])
        assert len(got) == 1


class TestCountedFIDTHead:
    CODEC = dict(
        type='mmcrowd.CountedPointsCodec',
        points=dict(type='mmcrowd.FIDTCodec', stride=2, relative=False, threshold=0.1),
        density=dict(type='mmcrowd.DensityCodec', stride=2, draws=False),
    )
    DENSITY = dict(type='mmcrowd.DensityHead', output='abs', losses=dict(bayesian=dict(type='mmcrowd.BayesianLoss')))

    def make(self, **options) -> CountedFIDTHead:
        options = dict(in_channels=8, codec=self.CODEC, density=self.DENSITY, losses=LOSSES) | options
        head = CountedFIDTHead(**options)
        head.init_weights()
        return head

    @pytest.mark.parametrize('draws', [False, True])
    @pytest.mark.parametrize('counts', [[0, 0], [0, 5], [40, 40]])
    def test_each_map_learns_by_its_own_losses(self, counts: list[int], draws: bool):
        codec = dict(self.CODEC, density=dict(self.CODEC['density'], draws=draws))
        density = dict(self.DENSITY, losses=dict(mse=dict(type='mmcrowd.MapMSELoss'))) if draws else self.DENSITY
        head = self.make(codec=codec, density=density)
        rng = np.random.default_rng(0)
        samples = [sample(rng.uniform(0, 64, (n, 2)), (64, 64), head.codec) for n in counts]
        features = torch.rand(2, 8, 32, 32)
        losses = head.loss((features,), samples)
        assert set(losses) == {'loss_map', 'loss_ssim', 'loss_mse' if draws else 'loss_bayesian'}
        (losses['loss_map'] + losses['loss_ssim']).backward(retain_graph=True)
        assert head.density.conv.weight.grad is None or head.density.conv.weight.grad.abs().sum() == 0
        head.zero_grad()
        losses['loss_mse' if draws else 'loss_bayesian'].backward()
        assert all(p.grad is None or p.grad.abs().sum() == 0 for p in head.layers.parameters())
        assert head.density.conv.weight.grad.isfinite().all()
        assert head.density.conv.weight.grad.abs().sum() > 0

    def test_a_map_without_a_density_is_that_of_the_light_head(self):
        plain, head = make(), self.make()
        missing = head.load_state_dict(plain.state_dict(), strict=False)
        assert missing.missing_keys == ['density.conv.weight', 'density.conv.bias']
        features = torch.rand(1, 8, 32, 32)
        (maps,) = head.eval()((features,))
        assert maps.shape == (1, 2, 32, 32)
        torch.testing.assert_close(maps[:, :1], plain.eval()((features,))[0])
        torch.testing.assert_close(maps[:, 1:], head.density((features,))[0])

    def test_predicts_points_and_a_count(self):
        head = self.make()
        maps = torch.zeros(1, 2, 32, 32)
        maps[0, 0, [5, 9, 20], [5, 20, 9]] = torch.tensor([0.8, 0.3, 0.6])
        maps[0, 1] = 2 / 32**2
        (got,) = head.predict_by_feat(maps, [dict(img_shape=(64, 64))])
        np.testing.assert_allclose(got.points, [[11, 11], [19, 41]])

    def test_two_losses_of_one_name(self):
        density = dict(self.DENSITY, losses=dict(map=dict(type='mmcrowd.BayesianLoss')))
        with pytest.raises(ValueError, match='loss_map of the FIDT map and of the density'):
            self.make(density=density)
