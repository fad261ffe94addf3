"""The command line tool."""

import json
import os
import subprocess
import sys


def run(repo_root, *args):
    env = {**os.environ, 'PYTHONPATH': str(repo_root), 'OMP_NUM_THREADS': '1'}
    tool = repo_root / 'tools' / 'analysis_tools' / 'eval_points.py'
    return subprocess.run(
        [sys.executable, str(tool), *map(str, args)], env=env, capture_output=True, text=True, timeout=300
    )


def test_prints_and_writes_the_result(repo_root, tmp_path):
    (tmp_path / 'gt.txt').write_text('1 2 0 0 4 8 1 50 50 4 8 1 \r\n2 0\r\n')
    (tmp_path / 'pred.txt').write_text('1 2 3 4 9 9\n2 1 5 5\n')
    out = tmp_path / 'result.json'
    done = run(
        repo_root, tmp_path / 'gt.txt', tmp_path / 'pred.txt', '--protocol', 'fixed', '--radius', 5, '--out', out
    )
    assert done.returncode == 0, done.stderr
    assert 'fixed | max matching, distance <= radius | all scores | 2 images' in done.stdout
    assert 'TP 1 FP 2 FN 1' in done.stdout
    assert json.loads(out.read_text())['5px']['tp'] == 1


def test_bad_files_end_with_one_line(repo_root, tmp_path):
    (tmp_path / 'gt.txt').write_text('1 1 0\n')
    (tmp_path / 'pred.txt').write_text('1 0\n')
    done = run(repo_root, tmp_path / 'gt.txt', tmp_path / 'pred.txt', '--protocol', 'nwpu')
    assert done.returncode == 2
    assert done.stderr.strip().endswith(
        'gt.txt, line 1, id 1: expected 5 numbers per point, found 1 numbers after id and count'
    )
    assert 'Traceback' not in done.stderr


def test_a_result_that_cannot_be_written_ends_with_one_line(repo_root, tmp_path):
    (tmp_path / 'points.txt').write_text('1 1 0 0\n')
    out = tmp_path / 'points.txt' / 'result.json'
    done = run(repo_root, tmp_path / 'points.txt', tmp_path / 'points.txt', '--protocol', 'fixed', '--out', out)
    assert done.returncode == 2
    assert done.stderr.startswith(str(tmp_path))
    assert 'Traceback' not in done.stderr
