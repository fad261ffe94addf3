"""Training and testing from a config file: what ``tools/train.py`` and ``tools/test.py`` call."""

import gc
import math
from contextlib import nullcontext
from copy import deepcopy
from inspect import signature
from pathlib import Path

import torch.distributed as dist
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.evaluator import DumpResults
from mmengine.model import is_model_wrapper
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from mmcrowd.engine.hooks import find_resume_checkpoint
from mmcrowd.engine.runner import CrowdRunner
from mmcrowd.engine.work_dir_lock import sole_training
from mmcrowd.registry import METRICS
from mmcrowd.utils.configs import read_config
from mmcrowd.utils.distributed import launched_rank, prepare_distributed
from mmcrowd.utils.downloads import is_address
from mmcrowd.utils.json_files import write_json
from mmcrowd.utils.weights import check_weights, file_sha256, read_weights
from mmcrowd.version import __version__

METRICS_FILE = 'metrics.json'
THRESHOLD_FILE = 'threshold.json'


def load_config(
    config: str, work_dir: str | None = None, cfg_options: dict | None = None, launcher: str = 'none'
) -> Config:
    """Read a config file and settle where the run writes and how its processes find each other.

    Args:
        config: Path of the config file, or ``mmcrowd::<method>/<name>.py`` for one that the package carries.
        work_dir: Folder of the run; by default the config's own, else ``work_dirs/<name of the config>``.
        cfg_options: Values by dotted key, written over the config's.
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.

    Raises:
        FileNotFoundError: If there is no such config.
        ValueError: If the config cannot be read, or the work dir is a file.
    """
    cfg = read_config(config, cfg_options)
    cfg.launcher = launcher
    cfg.work_dir = work_dir or cfg.get('work_dir') or str(Path('work_dirs') / Path(config).stem)
    for folder in (Path(cfg.work_dir), *Path(cfg.work_dir).parents):
        if folder.exists() and not folder.is_dir():
            raise ValueError(f'{folder}: is a file, expected a folder for the run: choose another --work-dir')
    # mmengine keeps the state of a run under this name and the second it began: runs of one config must differ.
    cfg.experiment_name = cfg.get('experiment_name') or Path(cfg.work_dir).name
    return cfg


def build_runner(cfg: Config) -> Runner:
    """The Runner of a config, after the process group where one is needed.

    Raises:
        FileNotFoundError: ``load_from`` is not there.
        WeightsError: It is no file of weights: said before data and model are built.
    """
    if cfg.get('load_from') and not is_address(cfg.load_from):
        check_weights(read_weights(cfg.load_from), cfg.load_from)
    prepare_distributed(cfg)
    cfg.setdefault('default_hooks', {}).setdefault('classes', dict(type='mmcrowd.ClassCheckHook'))
    return RUNNERS.build(cfg) if 'runner_type' in cfg else CrowdRunner.from_cfg(cfg)


def launch_training(
    config: str,
    work_dir: str | None = None,
    resume: str | None = None,
    amp: bool = False,
    cfg_options: dict | None = None,
    launcher: str = 'none',
) -> Runner:
    """Train a model.

    Args:
        config: Path of the config file.
        work_dir: Folder of the run, see :func:`load_config`.
        resume: A checkpoint to go on from, or ``'auto'`` for the newest of the run's folder, else from the start.
        amp: Forward pass in bfloat16, on any device.
        cfg_options: Values by dotted key, written over the config's.
        launcher: See :func:`load_config`.

    Returns:
        The runner, at the end of training.

    Raises:
        BlockingIOError: If another training writes to the work dir.
    """
    cfg = load_config(config, work_dir, cfg_options, launcher)
    first = launched_rank(launcher) == 0
    with sole_training(cfg.work_dir) if first else nullcontext():
        runner = _train(cfg, resume, amp)
    _leave_process_group(runner, launcher)
    return runner


def _train(cfg: Config, resume: str | None, amp: bool) -> Runner:
    if amp:
        cfg.optim_wrapper.pop('loss_scale', None)
        cfg.optim_wrapper.update(type='mmcrowd.AutocastOptimWrapper', dtype='bfloat16')
    if resume is not None:
        checkpoint = find_resume_checkpoint(cfg.work_dir) if resume == 'auto' else Path(resume)
        cfg.resume = checkpoint is not None
        cfg.load_from = None if checkpoint is None else str(checkpoint)
    runner = build_runner(cfg)
    runner.train()
    return runner


def launch_testing(
    config: str,
    checkpoint: str,
    work_dir: str | None = None,
    out: str | None = None,
    show_dir: str | None = None,
    score_thr: float | str | None = None,
    cfg_options: dict | None = None,
    launcher: str = 'none',
) -> dict[str, float]:
    """Test a checkpoint, print its metrics and write them to ``<work_dir>/metrics.json``; see :func:`metrics_record`.

    Args:
        config: Path of the config file.
        checkpoint: Path of the weights.
        work_dir: Folder of the run, see :func:`load_config`.
        out: ``.pkl`` file for all predictions.
        show_dir: Folder for pictures of ground truth and prediction.
        score_thr: Lowest score of a head that is evaluated, in place of what the config's metrics say; ``'val'`` takes
            the threshold of the lowest counting error on the validation images, which are predicted first, and keeps
            it in ``<work_dir>/threshold.json``.
        cfg_options: Values by dotted key, written over the config's.
        launcher: See :func:`load_config`.

    Returns:
        Metrics by name.

    Raises:
        ValueError: If ``out`` does not end in ``.pkl``.
    """
    cfg = load_config(config, work_dir, cfg_options, launcher)
    cfg.load_from = checkpoint
    cfg.resume = False
    if score_thr is not None:
        _set_score_threshold(cfg, score_thr)
    if show_dir is not None:
        cfg.setdefault('default_hooks', {})
        cfg.default_hooks.setdefault('visualization', dict(type='mmcrowd.CrowdVisualizationHook'))
        cfg.default_hooks.visualization.update(draw=True, test_out_dir=str(Path(show_dir).absolute()))
    if out is not None and not out.endswith(('.pkl', '.pickle')):
        raise ValueError(f'predictions are written as .pkl, found --out {out}')
    runner = build_runner(cfg)
    if out is not None:
        runner.test_evaluator.metrics.append(DumpResults(out_file_path=out))
    metrics = runner.test()
    if is_main_process():
        write_json(Path(cfg.work_dir) / METRICS_FILE, metrics_record(metrics, runner, config, checkpoint))
        print(format_metrics(metrics))
    _leave_process_group(runner, launcher)
    return metrics


def _set_score_threshold(cfg: Config, score_thr: float | str) -> None:
    """Let all metrics of the test use one score threshold; 'val' is predicted and stored first."""
    if isinstance(score_thr, float) and not math.isfinite(score_thr):
        raise ValueError(f'--score-thr: expected a number, found {score_thr}')
    if score_thr == 'val':
        score_thr = _choose_on_validation(cfg)
    metrics = cfg.test_evaluator if isinstance(cfg.test_evaluator, list) else [cfg.test_evaluator]
    for metric in metrics:
        if 'score_thr' in signature(METRICS.get(metric['type'])).parameters:
            metric['score_thr'] = score_thr


def _choose_on_validation(cfg: Config) -> str:
    """Predict the validation images and store the threshold of the lowest MAE; returns the file."""
    if cfg.get('val_dataloader') is None:
        raise ValueError("score_thr='val' needs a val_dataloader in the config, found none")
    path = str(Path(cfg.work_dir) / THRESHOLD_FILE)
    cfg = deepcopy(cfg)
    cfg.test_dataloader = cfg.val_dataloader
    cfg.test_evaluator = dict(type='mmcrowd.CrowdCountingMetric', save_thr=path)
    cfg.experiment_name += '_threshold'
    build_runner(cfg).test()
    return path


def metrics_record(figures: dict[str, float], runner: Runner, config: str, checkpoint: str) -> dict:
    """What ``metrics.json`` holds: the figures, and what they were measured on, with and how.

    ``num_heads`` are the annotated heads that were evaluated, null where no metric counts them; ``protocols`` are those
    of the crowd metrics, with their thresholds.
    """
    protocols = [metric.protocol for metric in runner.test_evaluator.metrics if getattr(metric, 'protocol', None)]
    return dict(
        figures=figures,
        num_images=len(runner.test_dataloader.dataset),
        num_heads=next((protocol['num_heads'] for protocol in protocols if 'num_heads' in protocol), None),
        protocols=protocols,
        weights=dict(
            file=Path(checkpoint).name, sha256=file_sha256(checkpoint) if Path(checkpoint).is_file() else None
        ),
        config=Path(config).name,
        mmcrowd=__version__,
    )


def format_metrics(metrics: dict[str, float]) -> str:
    """A two-column table of metrics, one a line."""
    width = max((len(name) for name in metrics), default=0)
    return '\n'.join(f'{name:<{width}}  {value:10.4f}' for name, value in metrics.items())


def _leave_process_group(runner: Runner, launcher: str) -> None:
    """End the process group, so that none of its threads is left when Python ends, which would abort the process.

    A data-parallel wrapper keeps the group, and with it the threads, alive: the runner's model is taken out of it.
    """
    if launcher == 'none' or not dist.is_initialized():
        return
    dist.barrier()  # none leaves while another still reads from it
    if is_model_wrapper(runner.model):
        runner.model = runner.model.module
    gc.collect()
    dist.destroy_process_group()
