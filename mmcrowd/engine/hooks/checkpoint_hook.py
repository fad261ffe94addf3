"""Checkpoints that survive a kill at any byte, and a best one that is the best."""

import math
from contextlib import ExitStack
from pathlib import Path, PurePath

from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.logging import MessageHub
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmcrowd.engine.work_dir_lock import sole_training
from mmcrowd.registry import HOOKS
from mmcrowd.utils.atomic_files import left_over, write_atomic

JUDGED, SUPERSEDED, KEPT = 'judged_iter', 'superseded_ckpts', 'keep_ckpt_ids'


@register_backend('atomic', force=True)
class AtomicLocalBackend(LocalBackend):
    """Local files that are either the old one or the new one, whole, and never half of one."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes by :func:`mmcrowd.utils.atomic_files.write_atomic`."""
        write_atomic(filepath, obj)

    def put_text(self, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        """Write text likewise."""
        write_atomic(filepath, obj.encode(encoding))


@HOOKS.register_module()
class CrowdCheckpointHook(CheckpointHook):
    """mmengine's CheckpointHook for runs that are killed at any moment and resumed.

    The files of a resumed run are those of one that was never interrupted: the last checkpoints, and for every figure
    of ``save_best`` one file, of the best validation. For that

    * files are written whole or not at all, and what a kill left half-written is removed by the run that goes on;
    * a file is removed only after a checkpoint that does not need it is on the disk and names it, so that the resumed
      run can remove it if the kill came first;
    * a checkpoint keeps score and file name of the best so far and the iteration of the last finished validation. A
      run resumed where its validation was cut off begins with that validation;
    * a second training in the same work dir is refused.

    What a resumed file says is data: file names and numbers, never a path.

    Args: as :class:`mmengine.hooks.CheckpointHook`. ``rule`` is found from the name in ``save_best``: counting errors
    (mae, rmse, nae, game) are better when smaller; f1, precision, recall, ap and iou when greater.
    """

    _default_greater_keys = [*CheckpointHook._default_greater_keys, 'f1', 'recall', '/ap', 'iou']
    _default_less_keys = [*CheckpointHook._default_less_keys, 'mae', 'rmse', 'nae', 'game']

    def __init__(self, *args, backend_args: dict | None = None, **kwargs) -> None:
        super().__init__(*args, backend_args=backend_args or dict(backend='atomic'), **kwargs)
        self._lock = ExitStack()
        self._saved_step: int | None = None
        self._judged = 0

    def before_train(self, runner: Runner) -> None:
        """Take the work dir, bring its files to the state of the weights, and make up for a validation cut off.

        Raises:
            BlockingIOError: If another training writes to the work dir.
        """
        self._refuse_a_second_training(runner)
        hub = runner.message_hub
        self._read_record(runner)
        super().before_train(runner)
        self.keep_ckpt_ids = list(getattr(self, 'keep_ckpt_ids', []))
        if is_main_process():
            self._remove_left_over(runner)
        if runner.iter == 0:
            if (earlier := find_resume_checkpoint(self.out_dir)) is not None:
                runner.logger.warning(
                    f'{self.out_dir} holds checkpoints of an earlier training ({earlier.name}), whose files this one '
                    'replaces as it comes to them; --resume goes on with it'
                )
            return
        step = runner.epoch if self.by_epoch else runner.iter
        if self.file_backend.isfile(self.file_backend.join_path(self.out_dir, self.filename_tmpl.format(step))):
            self._saved_step = step
        self._forget_missing_best(runner)
        self._remove_superseded(runner)
        if self.save_best and hub.get_info(JUDGED) != runner.iter and _validation_due(runner):
            runner.logger.info('the resumed weights were saved and not yet judged: validating')
            runner.val_loop.run()

    def after_train(self, runner: Runner) -> None:
        """Say which figure had no best, remove what is superseded, publish if asked to."""
        for key in self._figures():
            if self._judged and self._best(runner.message_hub, key)[1] is None:
                runner.logger.warning(
                    f'no best checkpoint was saved: {key} had no value in any of {self._judged} validations. Are heads '
                    'annotated in the validation images? default_hooks.checkpoint.save_best can name another figure'
                )
        self._remove_superseded(runner)
        best = {key: self._best(runner.message_hub, key)[1] for key in self._figures()}
        paths = {key: self.file_backend.join_path(self.out_dir, name) for key, name in best.items() if name}
        if len(best) == 1:
            self.best_ckpt_path = next(iter(paths.values()), None)
        elif best:
            self.best_ckpt_path_dict = paths
        super().after_train(runner)
        self._lock.close()

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Judge the weights; a validation outside a training changes no file."""
        if self.out_dir is not None:
            super().after_val_epoch(runner, metrics or {})

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        hub = runner.message_hub
        if self.max_keep_ckpts > 0 and step not in self.keep_ckpt_ids:
            self.keep_ckpt_ids.append(step)
        hub.update_info(KEPT, list(self.keep_ckpt_ids))  # with those that are removed below
        name = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        runner.save_checkpoint(
            self.out_dir,
            name,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        if is_main_process():
            write_atomic(Path(runner.work_dir) / 'last_checkpoint', str(self.last_ckpt).encode())
        self._saved_step = step
        while 0 < self.max_keep_ckpts < len(self.keep_ckpt_ids):
            self._remove(runner, self.filename_tmpl.format(self.keep_ckpt_ids.pop(0)))
        hub.update_info(KEPT, list(self.keep_ckpt_ids))
        self._remove_superseded(runner)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict[str, float]) -> None:
        if not self.save_best:
            return
        if 'auto' in self.key_indicators:
            self._init_rule(self.rules, [next(iter(metrics))])
        self._judged += 1
        runner.message_hub.update_info(JUDGED, runner.iter)
        step = runner.epoch if self.by_epoch else runner.iter
        better = [key for key in self._figures() if self._judge(runner, key, metrics, step)]
        # Else the next checkpoint has the record, and the file of the former best is there until then.
        if better and self._saved_step == step:
            self._save_checkpoint_with_step(runner, step, dict(epoch=runner.epoch, iter=runner.iter))

    def _judge(self, runner: Runner, key: str, metrics: dict[str, float], step: int) -> bool:
        """Save the weights if the figure is the best so far; returns whether it is."""
        if key not in metrics:
            raise ValueError(f'save_best={key!r}: no such figure, the validation gave {", ".join(metrics)}')
        hub, score = runner.message_hub, metrics[key]
        name = f'best_{key}_{self.filename_tmpl.format(step)}'.replace('/', '_')
        best_score, best_name = self._best(hub, key)
        if score is None or not math.isfinite(score):
            runner.logger.warning(f'{key} is {score} in this validation, which therefore is not the best')
        elif best_name is None or self.is_better_than[key](score, best_score):
            self._record(hub, key, float(score), name)
            if best_name not in (None, name):
                hub.update_info(SUPERSEDED, [*hub.get_info(SUPERSEDED, []), best_name])
            runner.save_checkpoint(
                self.out_dir,
                filename=name,
                file_client_args=self.file_client_args,
                save_optimizer=False,
                save_param_scheduler=False,
                meta=dict(epoch=runner.epoch, iter=runner.iter),
                by_epoch=False,
                backend_args=self.backend_args,
            )
            runner.logger.info(f'the best {key} so far, {score:.4f}, is saved to {name}')
            return True
        if name != best_name:
            self._remove(runner, name)  # of a run that was killed here, or of an earlier training in this folder
        return False

    def _figures(self) -> list[str]:
        return list(self.key_indicators) if self.save_best else []

    def _keys(self, key: str) -> tuple[str, str]:
        """Under which names mmengine keeps score and file of the best."""
        end = '' if len(self.key_indicators) == 1 else f'_{key}'
        return f'best_score{end}', f'best_ckpt{end}'

    def _best(self, hub: MessageHub, key: str) -> tuple[float | None, str | None]:
        score, name = self._keys(key)
        return hub.get_info(score), hub.get_info(name)

    def _record(self, hub: MessageHub, key: str, score: float | None, name: str | None) -> None:
        for field, value in zip(self._keys(key), (score, name), strict=True):
            hub.update_info(field, value)

    def _read_record(self, runner: Runner) -> None:
        """Take from a resumed file only what this hook could have written: names of its files, and numbers."""
        hub = runner.message_hub
        for key in self._figures():
            score, name = self._best(hub, key)
            if score is None and name is None:
                continue
            name = self._own_name(name)
            if name is None or not isinstance(score, int | float) or not math.isfinite(score):
                runner.logger.warning(f'the resumed file names no file of a best {key}: it is sought anew')
                score = name = None
            self._record(hub, key, score, name)
        for field, accepted in ((SUPERSEDED, lambda x: self._own_name(x) == x), (KEPT, lambda x: type(x) is int)):
            values = hub.get_info(field, [])
            hub.update_info(field, [x for x in values if accepted(x)] if isinstance(values, list) else [])

    def _own_name(self, value: object) -> str | None:
        """The file name in a value, if it can be that of a best file; mmengine stores it with a folder."""
        name = PurePath(value).name if isinstance(value, str) else ''
        return name if name.startswith('best_') and name.endswith(PurePath(self.filename_tmpl).suffix) else None

    def _forget_missing_best(self, runner: Runner) -> None:
        for key in self._figures():
            name = self._best(runner.message_hub, key)[1]
            if name and not self.file_backend.isfile(self.file_backend.join_path(self.out_dir, name)):
                runner.logger.warning(f'{name} is not in {self.out_dir}: the best {key} is sought anew')
                self._record(runner.message_hub, key, None, None)

    def _remove_superseded(self, runner: Runner) -> None:
        hub = runner.message_hub
        best = {self._best(hub, key)[1] for key in self._figures()}
        for name in hub.get_info(SUPERSEDED, []):
            if name not in best:
                self._remove(runner, name)
        hub.update_info(SUPERSEDED, [])

    def _remove(self, runner: Runner, name: str) -> None:
        path = self.file_backend.join_path(self.out_dir, name)
        if is_main_process() and self.file_backend.isfile(path):
            self.file_backend.remove(path)
            runner.logger.info(f'{name} is removed')

    def _remove_left_over(self, runner: Runner) -> None:
        """Remove what a kill left half-written, of this hook's own files."""
        for folder in {Path(runner.work_dir), Path(self.out_dir)}:
            for path, name in left_over(folder):
                if name == 'last_checkpoint' or name.endswith(PurePath(self.filename_tmpl).suffix):
                    path.unlink(missing_ok=True)
                    runner.logger.info(f'{path.name} is removed: a run was killed while it wrote {name}')

    def _refuse_a_second_training(self, runner: Runner) -> None:
        refusal: list[str | None] = [None]
        if is_main_process():
            try:
                self._lock.enter_context(sole_training(runner.work_dir))
            except BlockingIOError as error:
                refusal = [str(error)]
        broadcast_object_list(refusal)
        if refusal[0] is not None:
            raise BlockingIOError(refusal[0])


def _validation_due(runner: Runner) -> bool:
    """Whether the training loop validates at the point it has reached."""
    loop = runner.train_loop
    if runner.val_loop is None or not hasattr(loop, 'val_interval'):
        return False
    loop._decide_current_val_interval()
    by_epoch = isinstance(loop, EpochBasedTrainLoop)
    done, end = (loop.epoch, loop.max_epochs) if by_epoch else (loop.iter, loop.max_iters)
    return done >= loop.val_begin and (done % loop.val_interval == 0 or done == end)


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
        for path in (folder / named.name, named):
            if named.suffix and path.is_file():
                return path
    saved = [*folder.glob('epoch_*.pth'), *folder.glob('iter_*.pth')]
    return max(saved, key=lambda path: path.stat().st_mtime, default=None)
