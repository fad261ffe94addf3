"""Checkpoints that survive a kill at any byte."""

import os
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook

from mmcrowd.registry import HOOKS


@register_backend('atomic', force=True)
class AtomicLocalBackend(LocalBackend):
    """Local files that are either the old one or the new one, whole, and never half of one."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes to a temporary file beside ``filepath``, flush it to the disk, and give it the final name."""
        path = Path(filepath)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f'.{path.name}.tmp')
        with open(temporary, 'wb') as file:
            file.write(obj)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)


@HOOKS.register_module()
class CrowdCheckpointHook(CheckpointHook):
    """mmengine's CheckpointHook with atomic files, and knowing which crowd metrics are better when smaller.

    mmengine writes a checkpoint in place, and writes the newest one twice when it is the best: a kill in between left a
    file that cannot be read where ``--resume`` looks first.

    Args: as :class:`mmengine.hooks.CheckpointHook`. ``rule`` is found from the name in ``save_best``: counting errors
    (mae, rmse, nae, game) are better when smaller; f1, precision, recall, ap and iou when greater.
    """

    _default_greater_keys = [*CheckpointHook._default_greater_keys, 'f1', 'recall', '/ap', 'iou']
    _default_less_keys = [*CheckpointHook._default_less_keys, 'mae', 'rmse', 'nae', 'game']

    def __init__(self, *args, backend_args: dict | None = None, **kwargs) -> None:
        super().__init__(*args, backend_args=backend_args or dict(backend='atomic'), **kwargs)


def find_resume_checkpoint(work_dir: str | Path) -> Path | None:
    """The checkpoint to go on from: the one ``last_checkpoint`` names, else the newest ``epoch_*`` or ``iter_*`` file.

    Args:
        work_dir: Folder of the run. It may have been moved since, or its ``last_checkpoint`` cut short by a kill.

    Returns:
        A path that exists, or ``None`` in a folder without checkpoints.
    """
    folder = Path(work_dir)
    note = folder / 'last_checkpoint'
    if note.is_file():
        named = Path(note.read_text(encoding='utf-8').strip())
        if named.suffix and named.is_file():
            return named
    saved = [*folder.glob('epoch_*.pth'), *folder.glob('iter_*.pth')]
    return max(saved, key=lambda path: path.stat().st_mtime, default=None)
