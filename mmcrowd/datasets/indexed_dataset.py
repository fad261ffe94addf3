"""Base of the data sets whose annotations are files of their own format."""

import hashlib
import json
import logging
from collections import Counter
from pathlib import Path

import numpy as np
from mmengine.logging import print_log

from .crowd_dataset import CrowdDataset, make_heads
from .index_cache import IndexCache, fingerprint

_NO_OPTION = frozenset(
    ('pipeline', 'test_mode', 'max_refetch', 'serialize_data', 'filter_cfg', '_indices', 'data_list', 'data_bytes')
    + ('data_address', '_fully_initialized', 'cache', 'notes', 'found_meta', 'subset', 'val_split')
)
_DONE = dict(keep='kept: no training crop holds them', drop='dropped', clip='moved to its border')


class IndexedDataset(CrowdDataset):
    """A data set read from its original files, once: later starts read an index of them.

    A subclass implements :meth:`read_samples`, and :meth:`index_inputs` if its annotations are not all that is in
    ``data_root``. The index is in :func:`~mmcrowd.datasets.index_cache.cache_folder` and is used as long as the names,
    sizes and times of these files, the options of the loader and its code are what they were.

    What a loader finds worth telling (heads dropped, files ignored) it counts in ``notes``; it is logged once per
    load, also when the samples come from the index. Meta information it finds in the files (classes) goes to
    ``found_meta``, as JSON values.

    Args:
        data_root: Folder of the data set.
        split: One of ``splits``.
        subset: None for all images of the split; 'val' for a part of them to validate on, and 'train' for the others.
            For data sets without validation images of their own. What belongs together (the frames of a video, the
            images of a scene) is never torn apart.
        val_split: Fraction of the images, scenes or videos to validate on, chosen by a hash of their names and so the
            same everywhere; or a list of their names; or one of ``val_lists``.
        offset: Added to all coordinates, pixels. None is the format's own: -1 for boxes counted from 1, -0.5 for
            whole-numbered points counted from 1 (they name a pixel, whose centre is taken), 0 for all others, also for
            MATLAB's continuous coordinates, which nobody shifts.
        cache: Whether to use and write an index.
        kwargs: As :class:`CrowdDataset`.
    """

    splits: tuple[str, ...] = ('train', 'test')
    val_lists: tuple[str, ...] = ()
    own_offset: float = 0.0
    per_head: tuple[str, ...] = ('labels',)
    """Keys of arrays with one row per head."""

    def __init__(
        self,
        data_root: str,
        *args,
        split: str = 'train',
        subset: str | None = None,
        val_split: float | str | list[str] = 0.1,
        offset: float | None = None,
        cache: bool = True,
        **kwargs,
    ) -> None:
        name = type(self).__name__
        if split not in self.splits:
            raise ValueError(f'{name}: split must be one of {self.splits}, got {split!r}')
        if subset not in (None, 'train', 'val'):
            raise ValueError(f"{name}: subset must be None, 'train' or 'val', got {subset!r}")
        named = isinstance(val_split, (list, tuple)) or val_split in self.val_lists
        if not named and not (isinstance(val_split, float) and 0 < val_split < 1):
            lists = ''.join(f'{known!r}, ' for known in self.val_lists)
            raise ValueError(
                f'{name}: val_split must be {lists}a list or a fraction between 0 and 1, got {val_split!r}'
            )
        self.split, self.subset, self.val_split, self.cache = split, subset, val_split, cache
        self.offset = self.own_offset if offset is None else offset
        self.notes: Counter[str] = Counter()
        self.found_meta: dict = {}
        super().__init__(*args, data_root=data_root, **kwargs)

    def read_samples(self) -> list[dict]:
        """All samples of the split, from the original files."""
        raise NotImplementedError

    def index_inputs(self) -> list[Path]:
        """Files, and folders with all below them, that the samples are made from; images, whose sizes matter, too."""
        return [Path(self.data_root)]

    def box_heads(self, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Heads at the centres of boxes; boxes without area are dropped and counted.

        Args:
            boxes: (N, 4) xyxy.

        Returns:
            (M, 6) float32 heads, and (N,) bool, which boxes they are from.
        """
        kept = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        self.notes['boxes without area, dropped'] += int((~kept).sum())
        boxes = boxes[kept]
        return make_heads((boxes[:, :2] + boxes[:, 2:]) / 2, boxes), kept

    def group(self, sample: dict) -> str:
        """Name of what the sample must not be parted from: its video or scene; itself if it stands alone."""
        return str(sample['img_id'])

    def val_groups(self, groups: set[str]) -> set[str]:
        """The groups to validate on.

        Raises:
            ValueError: A group on the list is not there.
        """
        if not isinstance(self.val_split, float):
            missing = sorted(set(map(str, self.val_split)) - groups)
            if missing:
                raise ValueError(
                    f'{type(self).__name__} at {self.data_root}: {missing} of val_split are not in the data'
                )
            return set(map(str, self.val_split))
        kind = type(self).__name__
        shuffled = sorted(groups, key=lambda name: hashlib.blake2b(f'{kind}/{name}'.encode()).digest())
        return set(shuffled[: max(1, round(len(groups) * self.val_split))])

    def load_data_list(self) -> list[dict]:
        """The samples of the subset, from the index if it is up to date, else from the original files."""
        samples = self._all_samples()
        self._metainfo |= {
            key: tuple(value) if isinstance(value, list) else value for key, value in self.found_meta.items()
        }
        for note, number in self.notes.items():
            if number:
                print_log(f'{type(self).__name__} {self.split}: {number} {note}', 'current', logging.WARNING)
        if self.subset is None:
            return samples
        val = self.val_groups({self.group(sample) for sample in samples})
        return [sample for sample in samples if (self.group(sample) in val) == (self.subset == 'val')]

    def _all_samples(self) -> list[dict]:
        content = fingerprint(self.index_inputs())
        cache = IndexCache(self._identity()) if self.cache else None
        stored = cache.load(content) if cache else None
        if stored is None:
            samples = self.read_samples()
            for sample in samples:
                self._settle(sample)
            if cache:
                cache.save(content, samples, dict(notes=self.notes, meta=self.found_meta))
        else:
            samples, state = stored
            self.notes, self.found_meta = Counter(state['notes']), state['meta']
        return samples

    def _identity(self) -> str:
        options = {key: value for key, value in vars(self).items() if key not in _NO_OPTION}
        options['test_mode'] = self.test_mode  # decides what an unreadable image does
        folders = [str(path) for path in self.index_inputs()]
        code = fingerprint(sorted(Path(__file__).parent.rglob('*.py')))
        kind = f'{type(self).__module__}.{type(self).__qualname__}'
        return json.dumps([kind, options, folders, str(Path(self.data_root).resolve()), code], default=str)

    def _settle(self, sample: dict) -> None:
        """Shift the coordinates, and treat the heads outside the image."""
        heads = sample['heads']
        if self.offset:
            sample['heads'] = heads = heads + np.float32(self.offset)
            for key in ('ignore_boxes', 'roi_polygon'):
                if key in sample:
                    sample[key] = sample[key] + np.float32(self.offset)
        if not Path(sample['img_path']).is_file() or not (len(heads) or self.test_mode):
            return  # a missing image is found by the check that follows
        counts: Counter = Counter()
        heads, kept = super()._treat_outside(sample['img_path'], heads.copy(), np.arange(len(heads)), counts)
        if counts['outside']:
            self.notes[f'heads outside their image, {_DONE[self.outside]}'] += counts['outside']
        sample['heads'] = heads
        for key in self.per_head:
            if key in sample:
                sample[key] = sample[key][kept]

    def _treat_outside(
        self, path: str, heads: np.ndarray, labels: np.ndarray, counts: dict
    ) -> tuple[np.ndarray, np.ndarray]:
        return heads, labels  # done before the index was stored
