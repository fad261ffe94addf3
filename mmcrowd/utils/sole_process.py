"""One process at a time in a folder."""

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

_held: set[Path] = set()


@contextmanager
def sole_process(folder: str | Path, name: str, who: str) -> Iterator[None]:
    """Hold a lock in a folder, which is made; in the process that holds it already, nothing happens.

    The lock is a record lock (``fcntl.lockf``): the system drops it with the process, however that ends, and processes
    forked by it do not inherit it, as they would ``flock``'s. It works over NFS, between machines, where the server has
    a lock service. Where locks are not to be had, a warning says so.

    Args:
        folder: Where only one process may write.
        name: Of the lock's file.
        who: What the process is, such as 'training', for messages.

    Raises:
        BlockingIOError: If another process holds the lock.
    """
    path = Path(folder).resolve() / name
    if path in _held or fcntl is None:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # Closing any descriptor of the file drops the lock: this process opens it here only.
    with open(path, 'a+') as file:
        _acquire(file, folder, who)
        _held.add(path)
        try:
            yield
        finally:
            _held.remove(path)


def _acquire(file, folder: str | Path, who: str) -> None:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EAGAIN):
            print_log(
                f'{folder}: its file system has no locks ({error.strerror}); a second {who} would not be refused',
                logger='current',
                level=logging.WARNING,
            )
            return
        file.seek(0)
        raise BlockingIOError(
            f'{folder}: another {who} writes here ({file.read().strip() or "unknown process"}); '
            'wait for its end, or give another --work-dir'
        ) from None
    file.truncate(0)
    file.write(f'process {os.getpid()} on {socket.gethostname()}\n')
    file.flush()
