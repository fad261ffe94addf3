"""Images by the thousand, predicted by processes of one machine or many through Ray Data: ``tools/predict_many.py``."""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from mmengine.logging import print_log

from mmcrowd.utils.files import printable

from .batches import predict_files
from .inferencer import CrowdInferencer
from .parquet_parts import drop_errors, drop_unfinished, read_summary, write_part
from .predict import Progress, check_same_run, list_all, make_folder, write_run

if TYPE_CHECKING:
    import pyarrow

FOLDER = 'predictions.parquet'
_RETRIES = 2
"""How often images are tried again after the death of the process that predicted them."""


class CrowdWorker:
    """What each process of :func:`predict_many` does: it loads the model once, then predicts images and writes them.

    Args:
        folder: Gets a Parquet file per call (:func:`mmcrowd.apis.parquet_parts.write_part`).
        options: Of :class:`mmcrowd.apis.CrowdInferencer`.
    """

    def __init__(self, folder: str | Path, **options: Any) -> None:
        self.folder, self.crowd = folder, CrowdInferencer(**options)

    def __call__(self, batch: pyarrow.Table) -> dict[str, np.ndarray]:
        """Predict some images, and write one file with a row for each.

        Args:
            batch: Columns ``path``, bytes as of ``os.fsencode``, and ``image``, the name in the results.

        Returns:
            ``count``, the heads of each image, NaN of one without a result, and ``error``, why, else ''.
        """
        paths, names = list(map(os.fsdecode, batch['path'].to_pylist())), batch['image'].to_pylist()
        found = predict_files(self.crowd, paths, names)
        rows = [dict(image=picture.path, error=why) if why else picture.result.to_dict() for picture, why in found]
        write_part(self.folder, rows)
        return dict(
            count=np.array([row.get('count', np.nan) for row in rows], float),
            error=np.array([row.get('error', '') for row in rows], object),
        )


def predict_many(
    images: str | Path | Sequence[str | Path],
    out_dir: str | Path,
    workers: int = 2,
    *,
    cpus: int = 1,
    gpus: float = 0,
    part: int = 100,
    address: str | None = None,
    resume: bool = False,
    retry: bool = False,
    **options: Any,
) -> tuple[int, float, list[str]]:
    """Predict images by several processes, on this machine or on those of a Ray cluster.

    Each process loads the model once. Its results are on disk, in a file of their own, before it takes further images:
    ``out_dir/predictions.parquet/part-*.parquet``, see :mod:`mmcrowd.apis.parquet_parts`. An image that cannot be read,
    or does not fit into memory, is a row with an ``error``.

    Args:
        images: As of :func:`mmcrowd.apis.predict_folder`. On several machines all see the same files at the same place.
        out_dir: Gets the folder of Parquet files, and ``run.json``, which tells whether a run can be resumed.
        workers: How many processes.
        cpus: Processors, and threads, of each.
        gpus: Of each; a part of one such as 0.5 where two share it. 0 predicts on processors.
        part: Most images of a file.
        address: Of a running Ray cluster, such as 'auto'; None takes that of the environment variable ``RAY_ADDRESS``,
            or begins one on this machine for the time of the call. Ray that runs in this process already is used.
        resume: Go on with what is in ``out_dir``: images that are there are not predicted again.
        retry: With ``resume``: those that are there with an error are.
        options: ``model``, ``weights``, ``score_thr``, ``scale``, ``max_pixels``, ``batch_size`` of
            :class:`mmcrowd.apis.CrowdInferencer`.

    Returns:
        How many of the images have a result, the sum of their counts, and a message for each of the others; those of
        the run that is resumed included.

    Raises:
        ImportError: Ray Data is missing.
        FileNotFoundError: Nothing is at ``images``.
        ValueError: Results are there and ``resume`` is not set; another model, threshold or scale made them; no worker,
            no image in a file; or this machine has fewer GPUs than are asked for.
        OSError: Results cannot be written.
        RuntimeError: A process died again and again.
    """
    _check(workers, cpus, gpus, part)
    paths = list_all([images] if isinstance(images, str | Path) else images)
    names = {printable(path): path for path in paths}
    options = {name: _absolute(value) if name in ('model', 'weights') else value for name, value in options.items()}
    crowd = CrowdInferencer(**options, device='cpu')
    folder = (Path(out_dir) / FOLDER).absolute()
    make_folder(folder)
    done = _begin(crowd, folder, resume, retry)
    del crowd
    waiting = {name: path for name, path in names.items() if name not in done}
    if waiting:
        worker = dict(options, folder=str(folder), device='cuda:0' if gpus else 'cpu')
        with _ray(address, workers * cpus, workers * gpus):
            _predict(waiting, worker, workers, part, dict(num_cpus=cpus, num_gpus=gpus))
        done = read_summary(folder)
    results = [done[name] for name in names]
    errors = [error for _, error in results if error is not None]
    return len(results) - len(errors), sum(count for count, error in results if error is None), errors


def _check(workers: int, cpus: int, gpus: float, part: int) -> None:
    for name, value in dict(workers=workers, cpus=cpus, part=part).items():
        if value < 1:
            raise ValueError(f'{name}: expected 1 or more, found {value}')
    if not 0 <= gpus < float('inf'):
        raise ValueError(f'gpus: expected 0 or more, found {gpus}')
    if find_spec('ray') is None or find_spec('pyarrow') is None:
        raise ImportError('prediction by several processes needs Ray Data: pip install "ray[data]"')


def _absolute(value: Any) -> Any:
    """A file where workers find it, whose current folder is another; anything else as it is."""
    return os.path.abspath(value) if isinstance(value, str | Path) and Path(value).exists() else value


def _begin(crowd: CrowdInferencer, folder: Path, resume: bool, retry: bool) -> dict[str, tuple]:
    """What is there already, after a look at whether this run may go on with it."""
    done = read_summary(folder)
    if done and not resume:
        raise ValueError(
            f'{printable(folder)}: results of {len(done):,} images are there: go on with them (--resume), or choose '
            'another folder'
        )
    if done:
        check_same_run(crowd, folder.parent)
    drop_unfinished(folder)
    if retry:
        drop_errors(folder)
        done = {name: result for name, result in done.items() if result[1] is None}
    write_run(crowd, folder.parent)
    return done


@contextmanager
def _ray(address: str | None, cpus: int, gpus: float) -> Iterator[None]:
    """Ray, of which this process makes use: what runs already, a cluster, or one of its own that ends with it."""
    import ray

    if ray.is_initialized():
        yield
        return
    address = address or os.environ.get('RAY_ADDRESS')
    os.environ.setdefault('RAY_USAGE_STATS_ENABLED', '0')
    where = dict(address=address) if address else dict(address='local', num_cpus=cpus, include_dashboard=False)
    ray.init(**where, log_to_driver=False, logging_level=logging.ERROR)
    try:
        there = ray.cluster_resources().get('GPU', 0)
        if not address and there < gpus:
            raise ValueError(f'gpus: {gpus:g} are asked for by all workers, this machine has {there:g}')
        yield
    finally:
        ray.shutdown()


def _predict(waiting: dict[str, str], worker: dict, workers: int, part: int, needs: dict) -> None:
    import pyarrow
    import ray.data

    part = min(part, -(-len(waiting) // workers))
    table = pyarrow.table(
        dict(
            path=pyarrow.array([os.fsencode(os.path.abspath(path)) for path in waiting.values()], pyarrow.binary()),
            image=pyarrow.array(list(waiting), pyarrow.string()),
        )
    )
    logging.getLogger('ray.data').setLevel(logging.CRITICAL)  # what it logs beside is raised too
    ray.data.DataContext.get_current().enable_progress_bars = False
    tables = [table.slice(start, part) for start in range(0, len(table), part)]
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', '`ray_remote_args` is deprecated')  # of max_restarts, which has no successor
        results = ray.data.from_arrow(tables).map_batches(
            CrowdWorker,
            fn_constructor_kwargs=worker,
            batch_size=None,
            batch_format='pyarrow',
            compute=ray.data.ActorPoolStrategy(size=min(workers, len(tables))),
            max_restarts=_RETRIES,
            max_task_retries=_RETRIES,
            **needs,
        )
    progress = Progress(len(waiting))
    try:
        for batch in results.iter_batches(batch_size=None, batch_format='numpy'):
            for error in filter(None, batch['error']):
                print_log(f'{error}. Its row says so.', 'current', logging.WARNING)
            progress.step(np.nansum(batch['count']), len(batch['count']))
    except ray.exceptions.RayError as error:
        _explain(error)
        raise


def _explain(error: Exception) -> None:
    """Raise what the user can mend in place of an error of Ray."""
    import ray

    if isinstance(error, ray.exceptions.RayActorError) and not error.actor_init_failed:
        raise RuntimeError(
            f'a process died {_RETRIES + 1} times over the same images, as a rule because the memory is full: take '
            'fewer workers, and go on with what is there (--resume)'
        ) from error
    refused = re.search(r'^(?:OS|Permission|NotADirectory)Error: (.+)$', str(error), re.MULTILINE)
    if refused:
        raise OSError(refused[1]) from error
