"""SCUT-HEAD (Peng et al., ICPR 2018)."""

from pathlib import Path

import numpy as np

from mmcrowd.registry import DATASETS

from .crowd_dataset import list_files
from .formats.voc import read_objects
from .indexed_dataset import IndexedDataset
from .layout import existing_file, own_folder
from .readers import read_lines


@DATASETS.register_module()
class SCUTHead(IndexedDataset):
    """SCUT-HEAD part A (2000 classroom images, 67,318 heads) or B (2405 images, 43,930 heads), with boxes.

    Looks in ``data_root``, in ``SCUT_HEAD_Part_<part>`` in it if there is such a folder, for
    ``JPEGImages/Part<part>_<n>.jpg``, ``Annotations/Part<part>_<n>.xml`` (Pascal VOC, counted from 1) and
    ``ImageSets/Main/<split>.txt``. In copies that have both parts in one folder, the part's images are those of its
    name; without lists they are read with ``split='all'``. ``img_id`` is the image's name.

    Boxes without area are dropped and counted; objects of any class are heads (some are spelled 'headdddddaaddwddd').
    Sizes in the annotations, which are 0 in some, are not used.

    Args:
        part: 'A' or 'B'.
        split: 'trainval', 'test', 'train', 'val' or 'all'.
        kwargs: As :class:`IndexedDataset`.
    """

    splits = ('trainval', 'test', 'train', 'val', 'all')
    own_offset = -1.0
    published = {
        'A trainval': [(1500, 50101)],
        'A test': [(500, 17217)],
        'A all': [(2000, 67318)],
        'B trainval': [(1905, 34484)],
        'B test': [(500, 9446)],
        'B all': [(2405, 43930)],
    }

    def __init__(self, data_root: str, *args, part: str = 'A', split: str = 'trainval', **kwargs) -> None:
        if part not in ('A', 'B'):
            raise ValueError(f"part must be 'A' or 'B', got {part!r}")
        self.part = part
        super().__init__(data_root, *args, split=split, **kwargs)

    def index_inputs(self) -> list[Path]:
        """The folder of the part."""
        return [own_folder(self.data_root, f'SCUT_HEAD_Part_{self.part}')]

    def read_samples(self) -> list[dict]:
        """Read one annotation file per image."""
        (folder,) = self.index_inputs()
        if self.split == 'all':
            names = [path.stem for path in list_files(folder / 'JPEGImages', f'Part{self.part}_*.jpg')]
        else:
            listed = read_lines(existing_file(folder, f'ImageSets/Main/{self.split}.txt'))
            names = sorted(name for name in listed if name.startswith(f'Part{self.part}_'))
        return [self._read_sample(folder, name) for name in names]

    def _read_sample(self, folder: Path, name: str) -> dict:
        image = existing_file(folder, f'JPEGImages/{name}.jpg')
        file = existing_file(folder, f'Annotations/{name}.xml')
        names, boxes = read_objects(file)
        self.notes["objects of another class than 'head', taken as heads"] += int((np.array(names) != 'head').sum())
        return dict(img_path=str(image), img_id=name, heads=self.box_heads(boxes)[0])
