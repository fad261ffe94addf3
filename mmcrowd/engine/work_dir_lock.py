"""One training at a time in a work dir."""

import errno
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmengine.logging import print_log

try:
    import fcntl
except ImportError:  # Windows has other locks
    fcntl = None

LOCK_FILE = '.training.lock'
_held: set[Path] = set()


@contextmanager
def sole_training(work_dir: str | Path) -> Iterator[None]:
    """Hold the lock of a work dir, which is made; in the process that holds it already, nothing happens.

    The lock is a record lock (``fcntl.lockf``) on ``.training.lock``: the system drops it with the process, however
    that ends, and data workers forked by it do not inherit it, as they would ``flock``'s. It works over NFS, between
    machines, where the server has a lock service. Where locks are not to be had, a warning says so. Of a training in
    several processes only the first holds it.

    Args:
        work_dir: Folder of the run.

    Raises:
        BlockingIOError: If a training in another process holds the lock.
    """
    folder = Path(work_dir).resolve()
    if folder in _held or fcntl is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    # Closing any descriptor of the file drops the lock: this process opens it here only.
    with open(folder / LOCK_FILE, 'a+') as file:
        _acquire(file, work_dir)
        _held.add(folder)
        try:
            yield
        finally:
            _held.remove(folder)


def _acquire(file, work_dir: str | Path) -> None:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EAGAIN):
            print_log(
                f'{work_dir}: its file system has no locks ({error.strerror}); a second training would not be refused',
                logger='current',
                level=logging.WARNING,
            )
            return
        file.seek(0)
        raise BlockingIOError(
            f'{work_dir}: another training writes here ({file.read().strip() or "unknown process"}); '
            'wait for its end, or give another --work-dir'
        ) from None
    file.truncate(0)
    file.write(f'process {os.getpid()} on {socket.gethostname()}\n')
    file.flush()
