"""How tools end: which exceptions become one line, and which keep their trace."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from torch.utils.data import DataLoader

from mmcrowd.datasets.readers import read_json
from mmcrowd.registry import MODELS
from mmcrowd.utils.configs import read_config
from mmcrowd.utils.devices import check_device
from mmcrowd.utils.weights import read_weights
from mmcrowd_command.tool import ConfigOptions, ToolParser, run_tool, user_message, whole_number


class Broken(torch.utils.data.Dataset):
    """Its only sample fails."""

    def __init__(self, fail):
        self.fail = fail

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self.fail()


def loaded(fail):
    """A failure in a process that loads data."""
    return lambda: next(iter(DataLoader(Broken(fail), num_workers=1, multiprocessing_context='fork')))


def fault(*_):
    return np.zeros(3) + np.zeros(4)


def our_assertion():
    MODELS.build(dict(type='mmcrowd.MapMSELoss')).forward(None)


MENDABLE = {
    'no file': (Path('no/where').read_bytes, 'no/where: No such file or directory'),
    'no file of weights': (lambda: read_weights('gone.pth'), 'gone.pth: no such file'),
    'a type that is not there': (lambda: MODELS.build(dict(type='mmcrowd.Gone')), 'mmcrowd.Gone is not in the'),
    'an option that is not there': (lambda: MODELS.build(dict(type='mmcrowd.VGG', width=3)), "argument 'width'"),
    'an option of a wrong value': (lambda: MODELS.build(dict(type='mmcrowd.VGG', depth=3)), 'depth must be one of'),
    'a base config that is gone': (lambda: Config.fromfile('gone.py'), 'gone.py'),
    'an annotation in a worker': (loaded(lambda: read_json('gone.json')), 'gone.json'),
    'a file in a worker': (loaded(Path('no/where').read_bytes), 'no/where'),
}


@pytest.mark.parametrize('kind', MENDABLE)
def test_one_line(kind, capsys):
    fail, message = MENDABLE[kind]
    with pytest.raises(SystemExit) as end:
        run_tool(fail)
    assert end.value.code == 2
    assert len(lines := capsys.readouterr().err.splitlines()) == 1
    assert message in lines[0]


@pytest.mark.parametrize(
    'fail', [fault, loaded(fault), lambda: {}['key'], lambda: [][0], lambda: json.loads('{'), our_assertion]
)
def test_our_faults_keep_their_trace(fail):
    with pytest.raises(Exception) as error:  # noqa: PT011 - any kind
        run_tool(fail)
    assert not isinstance(error.value, SystemExit)


def test_an_assertion_of_the_package_is_our_fault(monkeypatch):
    code = compile("assert False, 'x'", read_weights.__code__.co_filename, 'exec')
    with pytest.raises(AssertionError) as error:
        exec(code)
    assert user_message(error.value) is None


@pytest.mark.parametrize(('returned', 'status'), [(None, 0), (0, 0), (1, 1)])
def test_status_of_the_tool(returned, status):
    with pytest.raises(SystemExit) as end:
        run_tool(lambda: returned)
    assert end.value.code == status


def test_interrupt(capsys):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as end:
        run_tool(interrupt)
    assert (end.value.code, capsys.readouterr().err) == (130, 'interrupted\n')


def test_parser_says_it_in_one_line(capsys):
    parser = ToolParser('tool.py')
    parser.add_argument('--number', type=float)
    with pytest.raises(SystemExit) as end:
        parser.parse_args(['--number', 'many'])
    assert end.value.code == 2
    message = "tool.py: argument --number: invalid float value: 'many' (all options: tool.py --help)\n"
    assert capsys.readouterr().err == message


@pytest.mark.parametrize('text', ['optim.lr', 'a:1'])
def test_options_of_a_config(text, capsys):
    parser = ToolParser('tool.py')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions)
    assert parser.parse_args(['--cfg-options', 'a.b=1', 'c=x=y']).cfg_options == {'a.b': 1, 'c': 'x=y'}
    with pytest.raises(SystemExit, match='2'):
        parser.parse_args(['--cfg-options', 'a=1', text])
    assert f'--cfg-options: expected KEY=VALUE, found a=1 {text} (all options' in capsys.readouterr().err


class TestReadConfig:
    @pytest.mark.parametrize(
        'text',
        ['a = (', 'a = 1 / 0', 'a = b', "_base_ = 'gone.py'", "custom_imports = dict(imports=['no_such_module'])"],
    )
    def test_names_the_file(self, text, tmp_path):
        (tmp_path / 'c.py').write_text(text)
        with pytest.raises(ValueError, match=f'^{tmp_path}/c.py: cannot be read as a config'):
            read_config(tmp_path / 'c.py')

    def test_options(self, tmp_path):
        (tmp_path / 'c.py').write_text('a = [dict(b=1)]\n')
        assert read_config(tmp_path / 'c.py', {'a.0.b': 2}).a[0].b == 2
        with pytest.raises(ValueError, match=r'c.py: the options .* do not fit it'):
            read_config(tmp_path / 'c.py', {'a.7.b': 2})

    def test_missing(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r'c.py: no such config file'):
            read_config(tmp_path / 'c.py')


@pytest.mark.parametrize('text', ['-1', '1.5', 'nan', 'x', ''])
def test_whole_numbers(text, capsys):
    parser = ToolParser('tool.py')
    parser.add_argument('--seed', type=whole_number)
    assert parser.parse_args(['--seed', '7']).seed == 7
    with pytest.raises(SystemExit, match='2'):
        parser.parse_args(['--seed', text])
    assert f'--seed: expected a whole number, 0 or more, found {text!r}' in capsys.readouterr().err


@pytest.mark.parametrize(('device', 'reason'), [('cuda:77', '.+'), ('gpu', 'torch knows no such.*'), ('meta', '.+')])
def test_devices_that_are_not_there(device, reason):
    with pytest.raises(ValueError, match=rf'^device {device}: not to be had here \({reason}\w\); there is cpu'):
        check_device(device)
    assert check_device('cpu') == 'cpu'


def test_tools_say_it(repo_root):
    """No tool ends in another way."""
    for path in repo_root.glob('tools/**/*.py'):
        text = path.read_text()
        assert 'run_tool(main)' in text, path
        assert 'ArgumentParser(' not in text, path
        assert 'Error' not in text, path
        assert 'type=int' not in text, path
