"""A model that counts without points, through everything that a model goes through."""

import csv
import json

import cv2
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmcrowd.apis import CrowdInferencer, CrowdResult, predict_folder
from mmcrowd.engine.launch import launch_testing, launch_training
from mmcrowd.registry import METRICS, MODELS

from .count_only import model_config, run_config, write_crowd


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """Folder of data, config and a trained run."""
    folder = tmp_path_factory.mktemp('crowd')
    counts = write_crowd(folder)
    run_config(folder).dump(folder / 'config.py')
    launch_training(str(folder / 'config.py'), str(folder / 'run'))
    return folder, counts


def test_training_testing_and_report(run):
    folder, counts = run
    (best,) = (folder / 'run').glob('best_crowd_mae*.pth')
    assert torch.load(best, weights_only=False)['state_dict']['bbox_head.weight'] == pytest.approx(1, abs=1e-3)
    options = dict(work_dir=str(folder / 'test'), show_dir=str(folder / 'pictures'))
    metrics = launch_testing(str(folder / 'config.py'), str(best), **options)
    assert metrics['crowd/mae'] == pytest.approx(0, abs=1e-2)
    assert metrics['crowd/game2'] == pytest.approx(0, abs=2e-2)
    assert metrics['double/mae'] == pytest.approx(np.mean(counts), abs=1e-2)
    report = next((folder / 'test').glob('**/evaluation/test'))
    with (report / 'images.csv').open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row['pred_count']) for row in rows] == pytest.approx(counts, abs=1e-2)
    pictures = [cv2.imread(str(path)) for path in sorted((report / 'pictures').iterdir())]
    assert len(pictures) == 3
    assert all(picture.std() > 0 and picture.shape[1] > 2 * 96 for picture in pictures), 'heads beside the density'
    assert len(list((folder / 'pictures').glob('**/*.jpg'))) == 3


def test_predicting_a_folder(run, tmp_path):
    folder, counts = run
    crowd = CrowdInferencer(str(folder / 'config.py'), str(folder / 'run' / 'epoch_8.pth'))
    results, failures = predict_folder(crowd, folder / 'images', tmp_path)
    assert not failures
    assert [result.count for result in results] == pytest.approx(counts, abs=1e-2)
    assert not any(result.has_points for result in results)
    assert [result.counts['double'] for result in results] == pytest.approx([2 * n for n in counts], abs=2e-2)
    row = json.loads((tmp_path / 'predictions.json').read_text())[2]
    assert row['points'] is None
    assert not CrowdResult.from_dict(row).has_points
    assert row['count'] == pytest.approx(10, abs=1e-2)
    with pytest.raises(ValueError, match='counts without points'):
        results[0].save(tmp_path / 'heads.csv')
    drawn = results[2].draw()
    assert (drawn != cv2.imread(str(folder / 'images' / '2.png'))).mean() > 0.01, 'the density is drawn'
    crowd.score_thr = 0.5
    with pytest.warns(UserWarning, match='score_thr leaves out nothing: the model counts'):
        assert crowd(str(folder / 'images' / '2.png')).count == pytest.approx(10, abs=1e-2)


def white_batch(shape: tuple[int, int], number: int, scale: float = 1.0, **meta) -> dict:
    """Raw data of one image with ``number`` white pixels, its original smaller by ``scale``."""
    rng = np.random.default_rng(1)
    row, column = np.divmod(rng.choice(shape[0] * shape[1], number, replace=False), shape[1])
    image = torch.zeros(3, *shape, dtype=torch.uint8)
    image[:, row, column] = 255
    original = tuple(round(side / scale) for side in shape)
    sample = DetDataSample(
        metainfo=dict(
            img_shape=shape, ori_shape=original, scale_factor=(scale, scale), img_path='a.png', img_id=1, **meta
        )
    )
    sample.gt_instances = InstanceData(points=torch.from_numpy(np.stack([column + 0.5, row + 0.5], 1) / scale))
    return dict(inputs=[image], data_samples=[sample])


@pytest.mark.parametrize('merge', ['core', 'average'])
@pytest.mark.parametrize('shape', [(70, 100), (64, 64), (1, 9), (201, 333)])
def test_tiles_add_up_exactly(shape, merge):
    number = min(shape[0] * shape[1], 5000) // 2
    for mode in ('whole', 'tile'):
        model = MODELS.build(model_config(mode=mode, merge=merge)).eval()
        (sample,) = model.test_step(white_batch(shape, number))
        assert sample.pred_count.dtype == torch.float64
        assert sample.pred_count.item() == pytest.approx(number, abs=1e-4)
        assert sample.pred_map.density.sum().item() == pytest.approx(number, abs=1e-2)
        assert 'pred_instances' not in sample


def evaluate(name: str, sample: DetDataSample, **kwargs) -> dict:
    metric = METRICS.build(dict(type=f'mmcrowd.{name}', **kwargs))
    metric.process({}, [sample.to_dict()])
    return metric.evaluate(1)


@pytest.mark.parametrize('scale', [1.0, 0.5, 2.0])
def test_a_region_of_interest_restricts_the_count(scale):
    """Network inputs of 72 x 104 pixels, their originals of other sizes; the region's border is one of cells."""
    original = (round(72 / scale), round(104 / scale))
    roi = np.zeros(original, bool)
    roi[: round(40 / scale), : round(56 / scale)] = True
    batch = white_batch((72, 104), 700, scale, roi=roi)
    (sample,) = MODELS.build(model_config()).eval().test_step(batch)
    assert evaluate('CrowdCountingMetric', sample)['crowd/mae'] == pytest.approx(0, abs=1e-4)
    assert evaluate('GAMEMetric', sample, level=0)['crowd/game0'] == pytest.approx(0, abs=1e-4)


def test_a_map_that_reaches_over_the_edge_keeps_its_place():
    """Of 65 pixels, cell 8 covers the last one: at stride 8 the map spans 72."""
    roi = np.zeros((65, 65), bool)
    roi[:32] = True
    (sample,) = MODELS.build(model_config()).eval().test_step(white_batch((65, 65), 1000, roi=roi))
    assert evaluate('CrowdCountingMetric', sample)['crowd/mae'] == pytest.approx(0, abs=1e-4)


def test_a_region_of_interest_without_a_density():
    (sample,) = MODELS.build(model_config()).eval().test_step(white_batch((64, 64), 30, roi=np.ones((64, 64), bool)))
    sample.pred_count = sample.pred_count + 5
    with pytest.raises(
        ValueError, match=r'a\.png: it has a region of interest, but pred_count 35 is the sum of no density'
    ):
        evaluate('CrowdCountingMetric', sample)


class TestEmptyInstances:
    """What a detector writes that hands over empty instances in place of none."""

    @pytest.fixture
    def sample(self) -> DetDataSample:
        (sample,) = MODELS.build(model_config()).eval().test_step(white_batch((64, 64), 50))
        sample.pred_instances = InstanceData(points=torch.zeros(0, 2), scores=torch.zeros(0))
        return sample

    @pytest.mark.parametrize('name', ['CrowdLocalizationMetric', 'RankedPointMetric'])
    def test_localization_refuses(self, sample, name):
        with pytest.raises(ValueError, match=r'counts 50\.0 heads in 1 images but gives no points: it counts only'):
            evaluate(name, sample)

    def test_game_reads_the_density(self, sample):
        assert evaluate('GAMEMetric', sample)['crowd/game3'] == pytest.approx(0, abs=1e-4)

    def test_no_threshold_to_choose(self, sample):
        with pytest.raises(ValueError, match='it counts only'):
            evaluate('CrowdCountingMetric', sample, best_mae=True)

    def test_an_empty_image_is_ordinary(self, sample):
        sample.pred_count, sample.gt_instances = torch.tensor(0.3), sample.gt_instances[:0]
        assert evaluate('CrowdLocalizationMetric', sample)['crowd/f1_8px'] == 0

    def test_instances_without_points_or_boxes(self, sample):
        sample.pred_instances = InstanceData()
        with pytest.raises(KeyError, match='a count without points'):
            evaluate('CrowdLocalizationMetric', sample)
        del sample.pred_count
        with pytest.raises(KeyError, match='neither points nor boxes'):
            evaluate('CrowdLocalizationMetric', sample)


def test_which_count():
    (sample,) = MODELS.build(model_config()).eval().test_step(white_batch((64, 64), 50))
    sample.pred_instances = InstanceData(points=torch.rand(30, 2), scores=torch.rand(30))
    for count, error in dict(auto=0, points=20, pred_count_double=50).items():
        assert evaluate('CrowdCountingMetric', sample, count=count)['crowd/mae'] == pytest.approx(error)
    with pytest.raises(
        KeyError, match=r"gives no pred_count_half, its counts are \['pred_count', 'pred_count_double'\]"
    ):
        evaluate('CrowdCountingMetric', sample, count='pred_count_half')


def test_instances_cannot_hold_a_count():
    head = MODELS.build(model_config()).bbox_head
    with pytest.raises(ValueError, match='CellCountCodec counts without points'):
        head.predict_by_feat(torch.zeros(1, 1, 8, 8), [dict(img_shape=(64, 64))])
