"""tools/dataset_tools/browse_dataset.py, from the command line to the pictures."""

import runpy
import sys

import cv2
import numpy as np
import pytest
from mmengine.config import Config


@pytest.fixture
def config(tmp_path) -> str:
    """A config file with a training set of two images, one without heads."""
    for name in ('a', 'b'):
        cv2.imwrite(str(tmp_path / f'{name}.png'), np.zeros((48, 64, 3), np.uint8))
    entries = [dict(img_path='a.png', points=[[10.5, 20.5]]), dict(img_path='b.png', points=[])]
    Config(dict(metainfo={}, data_list=entries)).dump(tmp_path / 'heads.json')
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='mmcrowd.LoadHeads'),
        dict(type='mmcrowd.EncodeTargets', codec=dict(type='mmcrowd.FIDTCodec', stride=2)),
        dict(type='mmcrowd.PackCrowdInputs'),
    ]
    dataset = dict(type='mmcrowd.CrowdDataset', ann_file='heads.json', data_root=str(tmp_path), pipeline=pipeline)
    dataset['data_prefix'] = dict(img_path='')
    Config(dict(train_dataloader=dict(dataset=dataset))).dump(tmp_path / 'config.py')
    return str(tmp_path / 'config.py')


@pytest.fixture
def browse(repo_root, monkeypatch):
    """Run the tool with arguments; its exit status."""

    def run(*arguments: str) -> int:
        tool = repo_root / 'tools' / 'dataset_tools' / 'browse_dataset.py'
        monkeypatch.setattr(sys, 'argv', [tool.name, *arguments])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(tool), run_name='__main__')
        return end.value.code

    return run


@pytest.mark.parametrize(
    ('options', 'names'),
    [
        ([], ['0000_a.png', '0001_b.png']),
        (['--number', '1'], ['0000_a.png']),
        (['--cfg-options', 'train_dataloader.dataset.indices=1'], ['0000_a.png']),
    ],
)
def test_pictures_of_what_the_network_sees(browse, config, tmp_path, capsys, options: list, names: list) -> None:
    out = tmp_path / 'pictures'
    assert browse(config, '--out-dir', str(out), *options) == 0
    assert sorted(file.name for file in out.iterdir()) == names
    image = cv2.imread(str(out / names[0]))
    assert image.shape[1] > 2 * image.shape[0]
    assert image[:, image.shape[1] // 2 :].max() > 200
    assert f'{len(names)} pictures in {out}' in capsys.readouterr().out


def test_a_missing_split_is_named(browse, config, tmp_path, capsys) -> None:
    assert browse(config, '--split', 'val', '--out-dir', str(tmp_path / 'pictures')) == 2
    assert 'no val_dataloader' in capsys.readouterr().err


def test_an_unknown_split_is_refused(browse, config, capsys) -> None:
    assert browse(config, '--split', 'all') == 2
    assert "invalid choice: 'all'" in capsys.readouterr().err
