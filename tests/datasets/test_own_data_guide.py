"""The guide docs/en/user_guides/own_data.md does what it says, from a folder of photos to predictions."""

import ast
import glob
import inspect
import json
import re
import runpy
import shlex
import sys

import pytest

from mmcrowd.datasets import CustomCrowd, IndexedDataset
from mmcrowd.datasets.formats import FORMATS
from mmcrowd.engine.launch import launch_training
from mmcrowd_command.cli import VERBS
from tests.datasets.fixtures.images import write_image

FAST = {
    'tools/train.py': 'train_cfg.max_epochs=1 train_cfg.val_interval=1 train_dataloader.batch_size=2 '
    'train_dataloader.num_workers=0 train_dataloader.persistent_workers=False val_dataloader.num_workers=0 '
    'train_dataloader.dataset.pipeline.2.crop_size=(64,64)',
    'tools/test.py': 'test_dataloader.num_workers=0',
}
SMALL = (
    'model = dict(backbone=dict(channels=(8,) * 5), bbox_head=dict(in_channels=8))\n'
    "model['neck'] = dict(in_channels=(8,) * 5, out_channels=(8,) * 5)\n"
)
"""Fewer steps and no worker processes, and a smaller network (below); the commands are those of the guide otherwise."""


@pytest.fixture
def guide(repo_root) -> str:
    return (repo_root / 'docs' / 'en' / 'user_guides' / 'own_data.md').read_text()


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf'^```{language}\n(.*?)^```', text, flags=re.M | re.S)


def commands(text: str) -> list[list[str]]:
    """The tools that the guide's verbs call, with their arguments."""
    lines = [line for block in blocks(text, 'bash') for line in block.replace('\\\n', ' ').splitlines() if line.strip()]
    steps = [shlex.split(line) for line in lines]
    return [[f'tools/{VERBS[verb][0]}', *rest] for command, verb, *rest in steps if command == 'mmcrowd']


def run(arguments: list[str], monkeypatch) -> None:
    expanded = [name for argument in arguments for name in (glob.glob(argument) if '*' in argument else [argument])]
    monkeypatch.setattr(sys, 'argv', expanded)
    code = None
    try:
        runpy.run_path(expanded[0], run_name='__main__')
    except SystemExit as stop:
        code = stop.code
    assert not code, f'{expanded}: exit code {code}'


def test_from_photos_to_predictions(guide, repo_root, tmp_path, monkeypatch):
    (tmp_path / 'configs').mkdir()
    (tmp_path / 'configs' / '_base_').symlink_to(repo_root / 'configs' / '_base_')
    (tmp_path / 'tools').symlink_to(repo_root / 'tools')
    monkeypatch.chdir(tmp_path)
    rows = ['image,x,y']
    for number in range(10):
        write_image(tmp_path / 'data' / 'mine' / 'images' / f'station_{number:02d}.jpg', (96, 80))
        rows += [f'station_{number:02d}.jpg,{10 + 8 * i},{20.5 + i}' for i in range(number)] or ['station_00.jpg,,']
    (tmp_path / 'data' / 'mine' / 'heads.csv').write_text('\n'.join(rows))
    config = next(block for block in blocks(guide, 'python') if '_base_' in block)
    config += SMALL
    (tmp_path / 'configs' / 'mine').mkdir()
    (tmp_path / 'configs' / 'mine' / 'fidt_lite.py').write_text(config)
    steps = commands(guide)
    assert len(steps) == 9
    for step in steps:
        options = FAST.get(step[0], '').split()
        run([*step, *(['--cfg-options', *options] if options else [])], monkeypatch)
    sizes = {name: len(json.loads((tmp_path / 'data/mine' / f'{name}.json').read_text())['data_list']) for name in
             ('train', 'val', 'test')}  # fmt: skip
    assert sizes == dict(train=6, val=2, test=2)
    assert list((tmp_path / 'work_dirs' / 'mine').glob('best_*.pth'))
    predicted = (tmp_path / 'work_dirs' / 'mine' / 'predict' / 'counts.csv').read_text().splitlines()
    assert len(predicted) >= 11
    assert (tmp_path / 'data' / 'mine' / 'stats' / 'stats.png').is_file()
    boxed = json.loads((tmp_path / 'data' / 'mine' / 'boxes' / 'all.json').read_text())['data_list']
    assert all(len(entry['points']) == len(entry.get('boxes', [])) for entry in boxed)


def test_the_file_of_the_guide_is_read(guide, tmp_path):
    (content,) = blocks(guide, 'json')
    (tmp_path / 'a.json').write_text(content)
    (image,) = FORMATS['json'].read(tmp_path / 'a.json').images
    assert image.extra == dict(group='station, camera 1')
    assert len(image) == 2


def test_the_heads_of_two_classes(guide, repo_root, tmp_path, monkeypatch):
    """No model of points trains on the heads and bikes of the guide's file; with the guide's lines it does."""
    content = blocks(guide, 'json')[0].replace('1920', '480').replace('1080', '270')
    (tmp_path / 'data' / 'mine').mkdir(parents=True)
    for split in ('train', 'val', 'test'):
        (tmp_path / 'data' / 'mine' / f'{split}.json').write_text(content)
    write_image(tmp_path / 'data' / 'mine' / 'images' / 'station_01.jpg', (480, 270))
    (tmp_path / 'configs').mkdir()
    (tmp_path / 'configs' / '_base_').symlink_to(repo_root / 'configs' / '_base_')
    (tmp_path / 'configs' / 'mine').mkdir()
    monkeypatch.chdir(tmp_path)
    config, chosen = [block for block in blocks(guide, 'python') if '_base_' in block]
    config += '_base_.train_dataloader.update(num_workers=0, persistent_workers=False, batch_size=1)\n'
    config += '_base_.val_dataloader.num_workers = 0\n_base_.test_dataloader.num_workers = 0\n'
    config += 'train_cfg = dict(max_epochs=1, val_interval=2)\n'
    both, heads = (tmp_path / 'configs' / 'mine' / name for name in ('both.py', 'heads.py'))
    both.write_text(config)
    heads.write_text(config + chosen)
    with pytest.raises(ValueError, match=r"num_classes=1, but would be trained on 2 classes: 'head', 'bike'"):
        launch_training(str(both))
    runner = launch_training(str(heads))
    assert runner.train_dataloader.dataset.notes == {"heads of class 'bike', dropped": 1}


def test_every_format_is_in_the_table(guide):
    assert re.findall(r'^\| `(\w+)` \|', guide, flags=re.M) == list(FORMATS)


def test_the_config_of_other_formats_is_right(guide):
    text = next(block for block in blocks(guide, 'python') if 'CustomCrowd' in block)
    given = {word.arg: word.value for word in ast.parse(text).body[0].value.keywords}
    known = {name for cls in (CustomCrowd, IndexedDataset) for name in inspect.signature(cls.__init__).parameters}
    assert set(given) - {'type'} <= known
    assert given['format'].value in FORMATS
