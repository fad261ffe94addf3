"""A sampler that gives every sample its own random seed."""

import hashlib
from collections.abc import Iterator

from mmengine.dataset import DefaultSampler

from mmcrowd.registry import DATA_SAMPLERS


class SeededIndex(int):
    """A dataset index that carries the seed of its sample.

    It behaves as the int it is. Subtraction and remainder keep the seed, so it passes through mmengine's ConcatDataset
    and RepeatDataset; ClassBalancedDataset looks indices up in a table and MultiImageMixDataset draws partners on its
    own: both lose it.

    Args:
        index: The index.
        seed: Seed of the sample's augmentation, 0 <= seed < 2**32.
    """

    seed: int

    def __new__(cls, index: int, seed: int) -> 'SeededIndex':
        self = super().__new__(cls, index)
        self.seed = seed
        return self

    def __getnewargs__(self) -> tuple[int, int]:
        return int(self), self.seed

    def __sub__(self, other: int) -> 'SeededIndex':
        return SeededIndex(int(self) - int(other), self.seed)

    def __mod__(self, other: int) -> 'SeededIndex':
        return SeededIndex(int(self) % int(other), self.seed)


def sample_seed(seed: int, epoch: int, position: int) -> int:
    """Seed in [0, 2**32) of the sample at ``position`` of the shuffled order of ``epoch``, on any machine."""
    digest = hashlib.blake2b(f'{seed}/{epoch}/{position}'.encode(), digest_size=4).digest()
    return int.from_bytes(digest, 'little')


@DATA_SAMPLERS.register_module()
class SeededSampler(DefaultSampler):
    """mmengine's DefaultSampler, whose indices are :class:`SeededIndex`.

    The seed is made from (sampler seed, epoch, position in the global shuffled order); a :class:`CrowdDataset` seeds
    the augmentation of the sample with it. A sample then looks the same whatever the number of workers; n processes
    with batch size b see together, step by step, what one process sees with batch size n * b (if the data set's length
    is a multiple of n; otherwise ``round_up`` adds up to n - 1 samples at the end); and a run that was killed and
    resumed at an epoch sees what an uninterrupted run sees. Give ``randomness=dict(seed=...)`` in the config: without
    it each run draws a new seed.

    Args: as :class:`mmengine.dataset.DefaultSampler`.
    """

    def __iter__(self) -> Iterator[SeededIndex]:
        """Indices of this process."""
        for step, index in enumerate(super().__iter__()):
            position = step * self.world_size + self.rank
            yield SeededIndex(index, sample_seed(self.seed, self.epoch, position))
