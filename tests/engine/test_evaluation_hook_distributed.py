"""The evaluation report of two processes is that of one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.evaluation.test_metrics import sample
from tests.evaluation.test_report import run_hook

OPTIONS = dict(radius='sigma_l', score_thr=0.2, num_images=2, rank_by='count')
SHARDS = dict(test=([0, 2, 4, 1], [1, 3, 0]), val=([3, 1, 4, 2, 0], []))
"""Uneven: images 0 and 1 are in both shards, as a sampler pads them; in validation one process has no image at all."""
WORKER = """
import sys
from pathlib import Path
import torch.distributed as dist
rank, folder = int(sys.argv[1]), Path(sys.argv[2])
# Before the group: what is imported after it may keep it in a default argument, and its threads beyond the end.
from tests.engine.test_evaluation_hook_distributed import SHARDS, report
dist.init_process_group('gloo', init_method=f'file://{folder}.store', rank=rank, world_size=2)
for phase, shards in SHARDS.items():
    report(folder, phase, shards[rank])
dist.barrier()  # neither leaves while the other still reads from it
dist.destroy_process_group()
assert 'gloo' not in ''.join(path.read_text() for path in Path('/proc/self/task').glob('*/comm'))
"""


def report(folder: Path, phase: str, images: list[int]) -> Path:
    """Run the hook over some images: every second one from a file, the others from the input."""
    samples = []
    for i in images:
        samples.append(sample(i, img_path=str(folder.parent / f'{i}.png')) if i % 2 else sample(i))
        samples[-1].pred_instances.points.clamp_(0, 119)
    options = dict(submission=True) if phase == 'test' else dict(interval=1)
    return run_hook(folder, samples, phase, **options, **OPTIONS)


@pytest.fixture(scope='module')
def folders(tmp_path_factory) -> tuple[Path, Path]:
    """Log folders of two processes and of one."""
    root = tmp_path_factory.mktemp('reports')
    for i in (1, 3):
        cv2.imwrite(str(root / f'{i}.png'), np.full((120, 120, 3), 60 * i, np.uint8))
    env = {**os.environ, 'PYTHONPATH': str(Path(__file__).parents[2]), 'OMP_NUM_THREADS': '1'}
    workers = [
        subprocess.Popen(
            [sys.executable, '-c', WORKER, str(rank), str(root / 'two')],
            cwd=root,
            env=env,
            stderr=subprocess.PIPE,
        )
        for rank in (0, 1)
    ]
    for worker in workers:
        errors = worker.communicate(timeout=300)[1]
        assert worker.returncode == 0, errors.decode()[-3000:]
    for phase in SHARDS:
        report(root / 'one', phase, range(5))
    return root / 'two' / 'evaluation', root / 'one' / 'evaluation'


@pytest.mark.parametrize('name', ['test', 'val_3'])
def test_tables_and_figures_are_those_of_one_process(folders, name):
    two, one = (folder / name for folder in folders)
    assert (two / 'images.csv').read_text() == (one / 'images.csv').read_text()
    found, expected = (json.loads((folder / 'report.json').read_text()) for folder in (two, one))
    assert [row['img_id'] for row in found['images']] == [0, 1, 2, 3, 4]
    assert found == expected
    assert found['figures']['tp'] == sum(row['tp'] for row in found['images']) > 0


@pytest.mark.parametrize('name', ['test', 'val_3'])
def test_all_other_files_are_those_of_one_process(folders, name):
    two, one = (folder / name for folder in folders)
    files = sorted(str(path.relative_to(one)) for path in one.rglob('*') if path.is_file())
    assert files == sorted(str(path.relative_to(two)) for path in two.rglob('*') if path.is_file())
    assert {'report.html', 'plots/f1_vs_radius.svg'} <= set(files)
    assert sum(file.startswith('pictures/') for file in files) == 4
    same = [file for file in files if file.endswith(('.jpg', '.txt'))]
    assert len(same) == (6 if name == 'test' else 4)
    for file in same:
        assert (two / file).read_bytes() == (one / file).read_bytes(), file
