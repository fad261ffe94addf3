"""tools/analysis_tools: benchmark.py and get_flops.py from the command line."""

import json
import runpy
import sys

import pytest


@pytest.fixture
def run(repo_root, monkeypatch):
    """Run a tool with arguments; its exit status."""

    def run(name: str, *arguments: str) -> int:
        monkeypatch.setattr(sys, 'argv', [name, *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_info:
            runpy.run_path(str(repo_root / 'tools/analysis_tools' / name), run_name='__main__')
        return exit_info.value.code

    return run


def test_benchmark(run, repo_root, tmp_path, capsys):
    config, out = repo_root / 'tests/data/tiny_fidt.py', tmp_path / 'times.json'
    options = ('--rounds', '1', '--warmup', '0', '--device', 'cpu', '--out', out)
    assert run('benchmark.py', 'crowd_lite', config, '--size', '64x48', *options) == 0
    printed = capsys.readouterr().out
    assert '64x48' in printed
    assert 'decoding' in printed
    written = json.loads(out.read_text())
    assert [row['model'] for row in written['timings']] == ['crowd_lite', str(config)]
    assert all(row['latency_ms'] > 0 for row in written['timings'])
    assert written['rounds'] == 1


def test_flops(run, repo_root, tmp_path, capsys):
    out = tmp_path / 'flops.json'
    assert run('get_flops.py', repo_root / 'tests/data/tiny_fidt.py', '--size', '90x60', '--out', out) == 0
    printed = capsys.readouterr().out
    assert 'image 90x60, input of the network 96x64, one pass' in printed
    written = json.loads(out.read_text())
    assert list(written['parts']) == ['backbone', 'neck', 'bbox_head']
    assert written['total']['multiply_adds'] == sum(part['multiply_adds'] for part in written['parts'].values()) > 0


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('benchmark.py', '--size', '64'), "expected WIDTHxHEIGHT, such as 640x480, found '64'"),
        (('benchmark.py', 'a', 'b', '--weights', 'c'), '--weights: expected one model, and its config'),
        (('get_flops.py', 'no_such_model'), 'no_such_model: no such model or config file'),
    ],
)
def test_wrong_options_are_one_line(run, capsys, arguments, message):
    assert run(*arguments) == 2
    assert message in capsys.readouterr().err
