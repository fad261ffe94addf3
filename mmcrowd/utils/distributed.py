"""Several processes without a GPU."""

import importlib
import os

import torch
import torch.distributed as dist
from mmengine.config import Config

_RANK_VARIABLES = {
    'slurm': ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID'),
    'mpi': ('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_RANK'),
}


def launched_rank(launcher: str) -> int:
    """Rank of this process before any process group exists; 0 where nothing tells."""
    names = (*_RANK_VARIABLES.get(launcher, ())[:1], 'RANK') if launcher != 'none' else ()
    return int(next((os.environ[name] for name in names if name in os.environ), 0))


def set_rank_environment(launcher: str) -> None:
    """Translate a launcher's variables into torch's: RANK, WORLD_SIZE, LOCAL_RANK, and an address on this machine.

    Args:
        launcher: ``'pytorch'`` (torchrun has set them already), ``'slurm'`` or ``'mpi'``.

    Raises:
        RuntimeError: If a variable of the launcher is not set: the process was not started by it.
    """
    for name, source in zip(('RANK', 'WORLD_SIZE', 'LOCAL_RANK'), _RANK_VARIABLES.get(launcher, ()), strict=False):
        if source in os.environ:
            os.environ[name] = os.environ[source]
    missing = [name for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK') if name not in os.environ]
    if missing:
        raise RuntimeError(
            f'--launcher {launcher}: {", ".join(missing)} not set; start the processes with '
            f'{ {"slurm": "srun", "mpi": "mpirun"}.get(launcher, "torchrun") }'
        )
    os.environ.setdefault('MASTER_ADDR', '127.0.0.1')
    os.environ.setdefault('MASTER_PORT', '29500')


def prepare_distributed(cfg: Config) -> None:
    """Make a multi-process config run on CPUs, by gloo; with GPUs, leave everything to mmengine's Runner and nccl.

    The Runner's own start selects a CUDA device, and wraps the model with its index; both fail without one. So the
    process group is made here (the Runner uses one that exists) and the wrapper is told that there is no device.
    BatchNorm statistics are per process on CPUs: SyncBatchNorm needs GPUs.

    Args:
        cfg: A Runner config with ``launcher``; ``env_cfg`` and ``model_wrapper_cfg`` are changed in place.
    """
    if cfg.launcher == 'none' or torch.cuda.is_available():
        return
    set_rank_environment(cfg.launcher)
    if not dist.is_initialized():
        # Default arguments in there are the group that exists at its import: they would keep it, and its threads.
        importlib.import_module('torch.distributed.nn.functional')
        dist.init_process_group('gloo')
    cfg.merge_from_dict({'env_cfg.dist_cfg.backend': 'gloo'})
    if cfg.get('model_wrapper_cfg') is None:
        cfg.model_wrapper_cfg = dict(
            type='MMDistributedDataParallel',
            broadcast_buffers=False,
            find_unused_parameters=cfg.get('find_unused_parameters', False),
        )
    cfg.model_wrapper_cfg.device_ids = None
