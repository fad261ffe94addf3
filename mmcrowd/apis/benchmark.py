"""How fast models are, what share of it decoding takes, and how much memory: the body of ``benchmark.py``."""

from __future__ import annotations

import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from mmcrowd.datasets import SyntheticCrowd
from mmcrowd.datasets.synthetic.scene import SceneSpec, render_scene

from .inferencer import CrowdInferencer

_PIXELS_PER_PERSON = 1600


@dataclass(frozen=True)
class Timing:
    """One model at one size of image; an image is predicted as a user gets it, from its pixels to its heads.

    Attributes:
        model: Its name.
        width: Of the image, pixels.
        height: Of the image, pixels.
        count: Heads that it counted; decoding takes longer where there are more.
        latency_ms: Median time of an image, milliseconds.
        slowest_ms: Longest time of an image, milliseconds.
        processor_ms: Median time of all processors on an image, milliseconds: beside other work it tells more than the
            clock.
        images_per_second: Images by the time of all rounds.
        decode_share: Part of the time, 0 to 1, in which heads are read from maps or boxes from scores.
        peak_mb: On a GPU the most memory that tensors took there, on a CPU the most that the process held while this
            image was predicted, Python and torch included; MB of 10^6 bytes.
    """

    model: str
    width: int
    height: int
    count: float
    latency_ms: float
    slowest_ms: float
    processor_ms: float
    images_per_second: float
    decode_share: float
    peak_mb: float


def benchmark_models(
    models: dict[str, CrowdInferencer], images: Sequence[np.ndarray], rounds: int = 10, warmup: int = 2
) -> list[Timing]:
    """Time models on images, in turns, so that what else the machine does disturbs all alike.

    Args:
        models: By the name in the result.
        images: (H, W, 3) uint8 BGR, usually one of each size.
        rounds: How often each model predicts each image.
        warmup: Rounds before that, which are not timed.

    Raises:
        ValueError: No round is to be timed.
    """
    if rounds < 1:
        raise ValueError(f'rounds: expected 1 or more, found {rounds}')
    found = []
    for image in images:
        runs: dict[str, list[_Run]] = {name: [] for name in models}
        for _ in range(warmup + rounds):
            for name, crowd in models.items():
                runs[name].append(_predict(crowd, image))
        found += [_summary(name, image, each[warmup:]) for name, each in runs.items()]
    return found


def surroundings(device: torch.device) -> dict[str, str | int]:
    """What times depend on: the device, threads and versions."""
    gpu = torch.cuda.get_device_name(device) if device.type == 'cuda' else None
    return dict(
        device=gpu or platform.processor() or platform.machine(),
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        python=platform.python_version(),
    )


def rendered_picture(width: int, height: int) -> np.ndarray:
    """A painted crowd, one person per 1,600 pixels, (height, width, 3) uint8 BGR, always the same."""
    people = max(width * height // _PIXELS_PER_PERSON, 1)
    options = SyntheticCrowd(heads=(people, people), negative_fraction=0.0, lazy_init=True).options
    return render_scene(SceneSpec(size=(width, height), **options), 0).img


def as_rows(timings: Sequence[Timing]) -> list[dict]:
    """Timings for a JSON file."""
    return [asdict(timing) for timing in timings]


@dataclass(frozen=True)
class _Run:
    seconds: float
    processor: float
    decoding: float
    peak: float
    count: float


def _predict(crowd: CrowdInferencer, image: np.ndarray) -> _Run:
    device = next(crowd.model.parameters()).device
    with _timed_decoding(crowd.model, device) as decoding:
        _forget_peak(device)
        start, used = _now(device), time.process_time()
        count = crowd.predict(image).count
        seconds, processor = _now(device) - start, time.process_time() - used
    return _Run(seconds, processor, sum(decoding), _peak(device), count)


def _summary(name: str, image: np.ndarray, runs: Sequence[_Run]) -> Timing:
    seconds = [run.seconds for run in runs]
    return Timing(
        model=name,
        width=image.shape[1],
        height=image.shape[0],
        count=runs[-1].count,
        latency_ms=1e3 * statistics.median(seconds),
        slowest_ms=1e3 * max(seconds),
        processor_ms=1e3 * statistics.median(run.processor for run in runs),
        images_per_second=len(runs) / sum(seconds),
        decode_share=statistics.median(run.decoding / run.seconds for run in runs),
        peak_mb=max(run.peak for run in runs) / 1e6,
    )


@contextmanager
def _timed_decoding(model: nn.Module, device: torch.device) -> Iterator[list[float]]:
    """Lengths, in seconds, of the calls that read heads from maps (codecs), or boxes from scores (mmdet's heads)."""
    heads = [module for module in model.modules() if hasattr(module, 'codec')]
    steps = {(id(head.codec), name): (head.codec, name) for head in heads for name in ('candidates', 'select')}
    others = [module for module in model.modules() if module not in heads and hasattr(module, 'predict_by_feat')]
    steps |= {(id(head), 'predict_by_feat'): (head, 'predict_by_feat') for head in others}
    lengths: list[float] = []

    def timed(step: Callable) -> Callable:
        def run(*args, **kwargs):
            start = _now(device)
            result = step(*args, **kwargs)
            lengths.append(_now(device) - start)
            return result

        return run

    for owner, name in steps.values():
        setattr(owner, name, timed(getattr(owner, name)))
    try:
        yield lengths
    finally:
        for owner, name in steps.values():
            delattr(owner, name)


def _now(device: torch.device) -> float:
    """Seconds, when the device has done everything that it was given."""
    if device.type == 'cuda':
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _forget_peak(device: torch.device) -> None:
    if device.type == 'cuda':
        torch.cuda.reset_peak_memory_stats(device)
        return
    try:
        Path('/proc/self/clear_refs').write_text('5')
    except OSError:  # not Linux: the peak is that since the process began
        return


def _peak(device: torch.device) -> float:
    """Bytes."""
    if device.type == 'cuda':
        return torch.cuda.max_memory_allocated(device)
    try:
        (line,) = (line for line in Path('/proc/self/status').read_text().splitlines() if line.startswith('VmHWM'))
    except (OSError, ValueError):
        import resource  # not there on every system

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == 'darwin' else 1024)
    return int(line.split()[1]) * 1024
