"""CroHD, the MOTChallenge for head tracking (Sundararaman et al., CVPR 2021)."""

from pathlib import Path

import numpy as np

from mmcrowd.registry import DATASETS

from .crowd_dataset import list_files
from .indexed_dataset import IndexedDataset
from .layout import existing_file, existing_folder
from .mot import read_boxes

_IGNORE = 3
"""Class of rows that mark regions to ignore; 1 is a pedestrian, 2 a static person, 4 one on a vehicle."""


@DATASETS.register_module()
class CroHD(IndexedDataset):
    """CroHD (HT21), 4 annotated sequences with 5741 frames and 1,188,793 boxes, 5 test sequences without annotations.

    Looks in ``data_root``, or in ``HT21`` in it, for ``train/HT21-<s>`` and ``test/HT21-<s>`` with ``img1/<frame>.jpg``
    and ``gt/gt.txt``; the latter may lie in ``HT21Labels`` beside ``HT21``. ``img_id`` is 'HT21-<s>/<frame>', ``track``
    (N,) int64 the number of each head's person. Boxes may leave the image.

    Rows that the evaluation leaves out (class 'ignore', or zero confidence) become ``ignore_boxes``.

    Validation takes whole sequences: ``val_split=0.25``, or a list as in ``val_split=['HT21-04']``.

    Args:
        all_rows: Take every row as a head, as some published counting results do.
        kwargs: As :class:`IndexedDataset`.
    """

    per_head = ('labels', 'track')
    published = {
        'train': [(5741, None)],
    }

    def __init__(self, data_root: str, *args, all_rows: bool = False, **kwargs) -> None:
        self.all_rows = all_rows
        super().__init__(data_root, *args, **kwargs)

    def index_inputs(self) -> list[Path]:
        """The folder of the split, and that of its labels if it is another one."""
        folders = [existing_folder(self.data_root, f'HT21/{self.split}', self.split)]
        labels = Path(self.data_root) / 'HT21Labels' / self.split
        return folders + ([labels] if labels.is_dir() else [])

    def group(self, sample: dict) -> str:
        """The sequence."""
        return sample['img_id'].partition('/')[0]

    def read_samples(self) -> list[dict]:
        """Read one annotation file per sequence."""
        samples = []
        folders = self.index_inputs()
        for images in list_files(folders[0], '*/img1'):
            name = images.parent.name
            frames = {}
            if self.split == 'train':
                file = existing_file(folders[-1] if len(folders) > 1 else folders[0], f'{name}/gt/gt.txt')
                frames = read_boxes(file)
            for image in list_files(images, '[0-9]*.jpg'):
                rows = frames.get(int(image.stem), np.zeros((0, 8)))
                samples.append(dict(img_path=str(image), img_id=f'{name}/{image.stem}', **self._heads(rows)))
        return samples

    def _heads(self, rows: np.ndarray) -> dict:
        boxes, kinds = rows[:, :4], rows[:, 6]
        counts = np.ones(len(rows), bool) if self.all_rows else (kinds != _IGNORE) & (rows[:, 5] != 0)
        self.notes['rows that the evaluation leaves out, ignored'] += int((~counts).sum())
        heads, kept = self.box_heads(boxes[counts])
        track = rows[counts, 4][kept].astype(np.int64)
        return dict(heads=heads, track=track, ignore_boxes=boxes[~counts].astype(np.float32))
