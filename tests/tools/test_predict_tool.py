"""tools/predict.py, from the command line to files."""

import csv
import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mmcrowd.apis import CrowdInferencer
from mmcrowd.apis.export import rendered_crowd


@pytest.fixture(scope='module')
def shipped(tmp_path_factory) -> tuple[str, str]:
    """The compact shipped model and a checkpoint of it, untrained."""
    config = str(sorted(Path(__file__).parents[2].glob('configs/fidt/fidt-lite*.py'))[0])
    path = tmp_path_factory.mktemp('weights') / 'weights.pth'
    with pytest.warns(UserWarning, match='untrained'):
        model = CrowdInferencer(config, device='cpu').model
    torch.save(dict(state_dict=model.state_dict(), meta={}), path)
    return config, str(path)


@pytest.fixture
def predict(repo_root, monkeypatch):
    """Run the tool with arguments; its exit status."""

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, 'argv', ['predict.py', *map(str, arguments), '--device', 'cpu'])
        with pytest.raises(SystemExit) as exit_info:
            runpy.run_path(str(repo_root / 'tools' / 'predict.py'), run_name='__main__')
        return exit_info.value.code

    return run


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / 'photos'
    folder.mkdir()
    for name in ('a', 'b'):
        cv2.imwrite(str(folder / f'{name}.png'), np.zeros((40, 70, 3), np.uint8))
    return folder


def test_folder(predict, shipped, photos, tmp_path, capsys) -> None:
    out = tmp_path / 'out'
    assert predict(photos, *shipped, '--out-dir', out, '--score-thr', '2', '--draw', 'boxes', 'contours') == 0
    assert {file.name for file in out.iterdir()} == {'a.jpg', 'b.jpg', 'predictions.json', 'counts.csv', 'run.json'}
    with (out / 'counts.csv').open(newline='') as file:
        assert [row['count'] for row in csv.DictReader(file)] == ['0', '0']
    said = capsys.readouterr().out
    assert f'0 heads in 2 images\nwritten to {out}: pictures, predictions.json, counts.csv\n' in said


def test_batches_change_nothing(predict, photos, tmp_path, capsys) -> None:
    cv2.imwrite(str(photos / 'c.png'), rendered_crowd((120, 160)))
    (photos / 'bad.jpg').write_text('no image')
    for name, options in dict(single=[], batch=['--batch-size', '4']).items():
        assert predict(photos, '--out', tmp_path / name, *options) == 1
        assert 'bad.jpg' in capsys.readouterr().out
    for name in ('counts.csv', 'a.jpg', 'c.jpg', 'run.json'):
        assert (tmp_path / 'single' / name).read_bytes() == (tmp_path / 'batch' / name).read_bytes()
    assert predict(photos, '--out', tmp_path / 'out', '--batch-size', '0') == 2
    assert capsys.readouterr().err.strip() == 'batch_size: expected 1 or more, found 0'


def test_an_unknown_style_is_one_line(predict, photos, capsys) -> None:
    assert predict(photos, '--draw', 'points', 'stars') == 2
    message = capsys.readouterr().err
    assert "invalid choice: 'stars'" in message
    assert message.count('\n') == 1


def test_a_config_without_weights_is_refused(predict, shipped, photos, tmp_path, capsys) -> None:
    assert predict(photos, shipped[0], '--out-dir', tmp_path / 'out') == 2
    assert f'{shipped[0]}: expected a config and its weights, found no weights' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_an_unreadable_file_sets_the_exit_status(predict, shipped, photos, tmp_path) -> None:
    (photos / 'bad.jpg').write_text('no image')
    assert predict(photos, *shipped, '--out-dir', tmp_path / 'out') == 1
    assert (tmp_path / 'out' / 'counts.csv').read_text().count('\n') == 3


@pytest.mark.parametrize('out', ['a.png', 'a.png/deeper'])
def test_a_file_where_results_should_go(predict, shipped, photos, capsys, out: str) -> None:
    assert predict(photos, *shipped, '--out-dir', photos / out) == 2
    message = capsys.readouterr().err.strip()
    assert message.endswith('a.png: expected a folder for the results, found a file: name another')


def test_options_name_the_model_and_patterns_the_images(predict, shipped, photos, tmp_path, capsys) -> None:
    out = ['--out', tmp_path / 'out']
    cv2.imwrite(str(photos / 'c.bmp'), np.zeros((40, 70, 3), np.uint8))
    model = ['--model', shipped[0], '--weights', shipped[1], '--no-pictures']
    assert predict(f'{photos}/*.png', photos / 'c.bmp', photos / 'a.png', *model, *out) == 0
    names = [Path(line.split(',')[0]).name for line in (tmp_path / 'out' / 'counts.csv').read_text().splitlines()]
    assert names == ['image', 'a.png', 'b.png', 'c.bmp']
    assert predict(photos, *shipped, *model, *out) == 2
    assert f'{shipped[0]}: a model behind the images: name one once' in capsys.readouterr().err
    assert predict(photos, 'crowd_lit', *out) == 2
    assert 'crowd_lit: no such model or config file' in capsys.readouterr().err
    assert predict(photos / 'a.png', photos / 'gone.png', *out) == 2
    assert 'gone.png: no such file or folder' in capsys.readouterr().err


def test_a_video_is_no_image(predict, shipped, tmp_path, capsys) -> None:
    (tmp_path / 'a.mp4').write_bytes(b'')
    assert predict(tmp_path / 'a.mp4', *shipped, '--out', tmp_path / 'out') == 2
    assert 'a.mp4: a video, expected images: use "mmcrowd video"' in capsys.readouterr().err


@pytest.mark.parametrize('wrong', [0, 1, 2])
def test_wrong_paths_are_one_sentence(predict, shipped, photos, tmp_path, capsys, wrong: int) -> None:
    paths = [photos, *shipped]
    paths[wrong] = tmp_path / 'nowhere.py'
    assert predict(*paths, '--out-dir', tmp_path / 'out') == 2
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert message.startswith(f'{tmp_path}/nowhere.py: no such')
