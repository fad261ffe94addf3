"""One training at a time in a work dir."""

from contextlib import AbstractContextManager
from pathlib import Path

from mmcrowd.utils.sole_process import sole_process

LOCK_FILE = '.training.lock'


def sole_training(work_dir: str | Path) -> AbstractContextManager[None]:
    """Hold the lock of a work dir; see :func:`~mmcrowd.utils.sole_process.sole_process`. Of a training in several
    processes only the first holds it.

    Args:
        work_dir: Folder of the run.

    Raises:
        BlockingIOError: If a training in another process holds the lock.
    """
    return sole_process(work_dir, LOCK_FILE, 'training')
