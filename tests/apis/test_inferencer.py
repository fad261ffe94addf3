"""The inferencer: any input, original pixels, honest errors."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image
from spots import spots_config, spots_image

from mmcrowd.apis import CrowdInferencer, ImageReadError
from mmcrowd.registry import MODELS
from mmcrowd.utils.frames import iter_frames

WHITE, GRAY = [(10, 5), (60, 30)], [(33, 20)]


@pytest.mark.parametrize('shape', [(40, 70), (1, 1), (33, 1), (64, 64)])
def test_no_heads(crowd, shape: tuple) -> None:
    result = crowd()(spots_image([], shape=shape))
    assert result.count == 0
    assert result.points.shape == (0, 2)
    assert result.scores.shape == (0,)
    assert result.boxes.shape == (0, 4)
    assert result.size == shape[::-1]
    assert result.image_path is None


def test_heads_of_an_array(crowd) -> None:
    result = crowd()(spots_image(WHITE, GRAY))
    assert result.count == 3
    assert isinstance(result.count, int)
    np.testing.assert_array_equal(result.points, [[10.5, 5.5], [33.5, 20.5], [60.5, 30.5]])
    np.testing.assert_allclose(result.scores, [0.9, 0.4, 0.9])
    np.testing.assert_array_equal(result.boxes[0], [9.5, 4.5, 11.5, 6.5])
    assert np.isnan(result.boxes[1]).all()
    assert all(a.dtype == np.float32 for a in (result.points, result.scores, result.boxes))
    assert result.maps is None


def test_points_are_original_pixels_when_the_pipeline_resizes(crowd) -> None:
    result = crowd(resize=3.0)(spots_image(WHITE))
    assert result.count == 2 * 9
    assert {tuple(np.floor(point).astype(int)) for point in result.points} == set(WHITE)


@pytest.mark.parametrize(('scale', 'interpolation'), [(3.0, cv2.INTER_CUBIC), (0.5, cv2.INTER_AREA)])
def test_a_scaled_image_gives_points_in_its_own_pixels(crowd, scale: float, interpolation: int) -> None:
    """As if it had been scaled before; sides need not divide."""
    image = cv2.resize(spots_image(WHITE, GRAY), (141, 81), interpolation=cv2.INTER_NEAREST)
    size = int(141 * scale), int(81 * scale)
    before = crowd()(cv2.resize(image, size, interpolation=interpolation))
    result = crowd(scale=scale)(image)
    assert result.count == before.count > 0
    assert result.size == (141, 81)
    factor = np.array([141 / size[0], 81 / size[1]])
    np.testing.assert_allclose(result.points, before.points * factor, rtol=1e-5)
    np.testing.assert_array_equal(result.scores, before.scores)
    assert result.interval is None


def test_an_image_that_is_scaled_is_not_too_large_by_that(crowd) -> None:
    model = crowd(scale=100)
    model.max_pixels = 10**6
    with pytest.raises(ImageReadError, match='the image, 100 times as large: 7000 x 4000 pixels would take'):
        model(spots_image([]))
    for scale in (0, -1, float('nan'), float('inf')):
        with pytest.raises(ValueError, match=f'scale: expected a positive number, found {scale}'):
            crowd(scale=scale)


@pytest.mark.parametrize(('score_thr', 'count'), [(None, 2.6), (0.41, 2), (0.95, 0)])
def test_score_threshold_of_a_model_that_counts_too(crowd, monkeypatch, score_thr: float | None, count: float) -> None:
    """Heads below are left out of the count as of everything else."""
    both = crowd(score_thr=score_thr)
    predict = both.model.test_step

    def with_count(batch: dict) -> list:
        samples = predict(batch)
        samples[0].set_field(torch.tensor(2.6), 'pred_count')
        return samples

    monkeypatch.setattr(both.model, 'test_step', with_count)
    result = both(spots_image(WHITE, GRAY))
    assert result.count == pytest.approx(count)
    assert len(result.points) == (3 if score_thr is None else count)


@pytest.mark.parametrize(('score_thr', 'count'), [(None, 3), (0.0, 3), (0.4, 3), (0.41, 2), (0.95, 0)])
def test_score_threshold(crowd, score_thr: float | None, count: int) -> None:
    result = crowd(score_thr=score_thr)(spots_image(WHITE, GRAY))
    assert result.count == len(result.points) == len(result.scores) == len(result.boxes) == count


def test_a_model_that_only_counts(crowd) -> None:
    result = crowd(count_only=True)(spots_image(WHITE))
    assert result.count == 2.5
    assert result.points.shape == (0, 2)


def test_a_detector_gives_the_centres_of_its_boxes(crowd) -> None:
    result = crowd(boxes_only=True)(spots_image(WHITE))
    np.testing.assert_allclose(result.points, [[10.5, 5.5], [60.5, 30.5]])


def test_maps_come_only_when_asked_for(crowd) -> None:
    crowd = crowd()
    image = spots_image(WHITE)
    assert crowd(image).maps is None
    maps = crowd(image, return_map=True).maps
    assert maps['white'].shape == (1, 64, 96)
    assert maps['white'].sum() == 2
    assert crowd(image).maps is None


def test_a_model_without_maps_says_so(crowd) -> None:
    with pytest.raises(ValueError, match='WhiteSpots returned no map'):
        crowd(count_only=True)(spots_image(WHITE), return_map=True)


@pytest.fixture
def folder(tmp_path):
    """Three images with 0, 1 and 2 heads, and a file that is none."""
    folder = tmp_path / 'photos'
    folder.mkdir()
    for number in range(3):
        cv2.imwrite(str(folder / f'{number}.png'), spots_image(WHITE[:number]))
    (folder / 'notes.txt').write_text('no image')
    return folder


def test_file_folder_and_list(crowd, folder) -> None:
    crowd = crowd()
    assert crowd(folder / '2.png').count == 2
    assert crowd(str(folder / '2.png')).image_path == str(folder / '2.png')
    assert [result.count for result in crowd(folder)] == [0, 1, 2]
    mixed = [str(folder / '1.png'), spots_image(WHITE), folder]
    assert [result.count for result in crowd(mixed)] == [1, 2, 0, 1, 2]
    assert crowd([]) == []


def test_a_stream_is_lazy_and_ordered(crowd) -> None:
    taken = []

    def frames():
        for number in (2, 0, 1):
            taken.append(number)
            yield spots_image(WHITE[:number])

    results = crowd().stream(frames())
    assert next(results).count == 2
    assert taken == [2]
    assert [result.count for result in results] == [0, 1]


def test_bad_inputs_are_one_clear_error(crowd, tmp_path, folder) -> None:
    crowd = crowd()
    with pytest.raises(FileNotFoundError, match=r'nowhere\.jpg: no such file'):
        crowd(tmp_path / 'nowhere.jpg')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(FileNotFoundError, match='empty: no image in this folder'):
        crowd(tmp_path / 'empty')
    with pytest.raises(ImageReadError, match=r'notes\.txt: this file of 8 bytes cannot be decoded'):
        crowd(folder / 'notes.txt')
    with pytest.raises(ValueError, match='expected an'):
        crowd(np.zeros((4, 4)))


def test_paths_of_a_list_are_checked_before_the_first_prediction(crowd, folder, monkeypatch) -> None:
    crowd = crowd()
    monkeypatch.setattr(crowd, 'predict', lambda *args: pytest.fail('predicted before checking'))
    with pytest.raises(FileNotFoundError, match='nowhere'):
        crowd([folder / '0.png', folder / 'nowhere.png'])


def test_model_from_a_config_file(tmp_path, weights) -> None:
    path = tmp_path / 'config.py'
    spots_config().dump(path)
    assert CrowdInferencer(str(path), weights)(spots_image(WHITE)).count == 2


def test_a_given_model_keeps_its_weights_and_needs_a_config() -> None:
    cfg = spots_config()
    model = MODELS.build(cfg.model)
    with pytest.raises(ValueError, match=r'set model\.cfg'):
        CrowdInferencer(model)
    model.cfg = cfg
    model.bias.data.fill_(3.0)
    crowd = CrowdInferencer(model)
    assert crowd.model.bias.item() == 3.0
    assert not crowd.model.training


def test_missing_files_are_named(tmp_path, weights) -> None:
    with pytest.raises(FileNotFoundError, match=r'config\.py: no such config file'):
        CrowdInferencer(tmp_path / 'config.py', weights)
    with pytest.raises(FileNotFoundError, match=r'weights\.pth: no such file'):
        CrowdInferencer(spots_config(), tmp_path / 'weights.pth')


@pytest.mark.parametrize('state', [{}, {'other.weight': torch.zeros(1)}, {'bias': torch.zeros(2)}])
def test_weights_must_fit_completely(tmp_path, state: dict) -> None:
    path = tmp_path / 'foreign.pth'
    torch.save(dict(state_dict=state, meta={}), path)
    with pytest.raises(
        ValueError, match=r'foreign\.pth: (holds no tensors|does not fit WhiteSpots: 0 of 1 tensors fit)'
    ):
        CrowdInferencer(spots_config(), path)


@pytest.mark.parametrize('content', [b'', b'this is no checkpoint', bytes(range(256))])
def test_files_that_are_no_checkpoint_are_named(tmp_path, content: bytes) -> None:
    path = tmp_path / 'foreign.pth'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'foreign\.pth: is '):
        CrowdInferencer(spots_config(), path)


def test_an_untrained_model_warns() -> None:
    with pytest.warns(UserWarning, match='untrained'):
        CrowdInferencer(spots_config(), device='cpu')


def test_pipelines_inside_dataset_wrappers_are_found(weights) -> None:
    cfg = spots_config()
    cfg.test_dataloader.dataset = dict(type='RepeatDataset', times=2, dataset=cfg.test_dataloader.dataset)
    model = MODELS.build(spots_config().model)
    model.cfg = cfg
    assert CrowdInferencer(model, weights)(spots_image(WHITE)).count == 2


def test_models_tested_on_synthetic_crowds_take_photographs(weights) -> None:
    cfg = spots_config()
    cfg.test_dataloader.dataset.pipeline[0] = dict(type='mmcrowd.LoadSynthetic')
    assert CrowdInferencer(cfg, weights, device='cpu')(spots_image(WHITE)).count == 2


def test_config_is_not_changed(weights) -> None:
    cfg = spots_config()
    before = cfg.to_dict()
    CrowdInferencer(cfg, weights)(spots_image(WHITE), return_map=True)
    assert cfg.to_dict() == before


def test_shipped_models_run(repo_root) -> None:
    config = sorted(repo_root.glob('configs/fidt/fidt-lite*.py'))[0]
    with pytest.warns(UserWarning, match='untrained'):
        crowd = CrowdInferencer(config, device='cpu')
    result = crowd(np.zeros((50, 70, 3), np.uint8), return_map=True)
    assert len(result.points) == result.count
    assert result.maps['fidt'].shape == (1, 25, 35)


def test_nothing_is_downloaded_for_a_backbone(repo_root) -> None:
    config = sorted(repo_root.glob('configs/fidt/fidt-lite*.py'))[0]
    cfg = Config.fromfile(config)
    cfg.model.backbone.init_cfg = dict(type='Pretrained', checkpoint='https://nowhere.invalid/weights.pth')
    with pytest.warns(UserWarning, match='untrained'):
        crowd = CrowdInferencer(cfg, device='cpu')
    assert crowd.model.backbone.init_cfg.type == 'Pretrained'


def test_a_model_without_tiles_is_given_no_picture_that_it_cannot_hold(crowd, tmp_path) -> None:
    model = crowd()
    model.max_whole_pixels = 40 * 70 - 1
    with pytest.raises(ImageReadError, match='WhiteSpots takes an image whole, and 70 x 40 pixels would need'):
        model(spots_image([]))


@pytest.fixture
def video(tmp_path) -> str:
    """Frames of 0, 1, 2, 1 and 0 heads, at 10 frames per second, losslessly."""
    path = str(tmp_path / 'clip.avi')
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'FFV1'), 10, (70, 40))
    for number in (0, 1, 2, 1, 0):
        writer.write(spots_image(WHITE[:number]))
    writer.release()
    return path


def test_patterns_and_videos(crowd, folder, video) -> None:
    crowd = crowd()
    assert [result.count for result in crowd(f'{folder}/[12].png')] == [1, 2]
    assert [result.count for result in crowd(folder.parent / '*' / '*.png')] == [0, 1, 2]
    assert [result.count for result in crowd(f'{folder.parent}/**/*')] == [0, 1, 2, 1, 0, 0, 1, 2]
    results = crowd(video)
    assert [result.count for result in results] == [0, 1, 2, 1, 0]
    assert [(result.frame, round(result.seconds, 3)) for result in results][3] == (3, 0.3)
    assert results[0].image_path == video
    assert [result.count for result in crowd([folder / '2.png', video])] == [2, 0, 1, 2, 1, 0]
    with pytest.raises(FileNotFoundError, match=r'\*\.webp: no file fits this pattern'):
        crowd(f'{folder}/*.webp')
    with pytest.raises(FileNotFoundError, match=r'\*\.txt: no image fits this pattern \(found \.txt file\)'):
        crowd(f'{folder}/*.txt')


def test_a_stream_of_a_video_decodes_a_frame_at_a_time(crowd, video, monkeypatch) -> None:
    decoded = []
    frames = iter_frames(video)
    monkeypatch.setattr(
        'mmcrowd.apis.inferencer.iter_frames', lambda source: (decoded.append(frame[0]) or frame for frame in frames)
    )
    results = crowd().stream(video)
    next(results)
    next(results)
    assert decoded == [0, 1]


def test_cameras_are_streams(crowd, monkeypatch) -> None:
    monkeypatch.setattr(
        'mmcrowd.apis.inferencer.iter_frames', lambda source: ((i, i / 5, spots_image(WHITE)) for i in range(3))
    )
    crowd = crowd()
    assert [(r.image_path, r.frame, r.count) for r in crowd.stream(0)] == [('camera 0', i, 2) for i in range(3)]
    for sources in (0, [0], 'rtsp://10.0.0.1/street'):
        with pytest.raises(ValueError, match='it has no end, and a list would'):
            crowd(sources)


@pytest.mark.parametrize('mode', ['RGB', 'RGBA', 'L', 'LA', 'P', 'CMYK', '1', 'I;16', 'I', 'F', 'RGBa', 'YCbCr'])
def test_pictures_of_pillow(crowd, mode: str) -> None:
    picture = Image.fromarray(spots_image(WHITE)[..., ::-1])
    if mode == 'I;16':
        picture = Image.fromarray(np.uint16(spots_image(WHITE)[..., 0]) * 257)
    else:
        picture = picture.convert('RGBA').convert('RGBa') if mode == 'RGBa' else picture.convert(mode)
    assert picture.mode == mode
    result = crowd()(picture)
    np.testing.assert_array_equal(result.points, [[10.5, 5.5], [60.5, 30.5]])
    assert result.image_path is None
