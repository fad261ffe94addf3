"""FDST, Fudan-ShanghaiTech (Fang et al., ICME 2019)."""

from pathlib import Path

import numpy as np

from mmcrowd.registry import DATASETS

from .crowd_dataset import list_files, pair_files
from .formats.via import entry_rectangles
from .indexed_dataset import IndexedDataset
from .layout import existing_folder, files_by
from .readers import read_json


@DATASETS.register_module()
class FDST(IndexedDataset):
    """FDST, 60 training and 40 test videos of 150 frames each, 394,081 heads with boxes.

    Looks in ``data_root``, or in ``FDST`` in it, for ``train_data`` and ``test_data`` with ``<video>/<frame>.jpg`` and
    ``<video>/<frame>.json`` (VGG Image Annotator, rectangles). The point of a head is the centre of its rectangle.
    ``img_id`` is '<video>/<frame>'; frames are in the order of video and frame. A validation subset takes whole videos.

    Args:
        kwargs: As :class:`IndexedDataset`.
    """

    published = {
        'train': [(9000, None)],
        'test': [(6000, None)],
    }

    def index_inputs(self) -> list[Path]:
        """The folder of the split."""
        return [existing_folder(self.data_root, f'FDST/{self.split}_data', f'{self.split}_data')]

    def group(self, sample: dict) -> str:
        """The video."""
        return sample['img_id'].partition('/')[0]

    def read_samples(self) -> list[dict]:
        """Read one annotation file per frame."""
        (folder,) = self.index_inputs()
        images = files_by(self._key, list_files(folder, '*/*.jpg'))
        files = files_by(self._key, list_files(folder, '*/*.json'))
        samples = []
        for (video, frame), image, file in pair_files(images, files):
            heads = self._read_heads(file)
            samples.append(dict(img_path=str(image), img_id=f'{video}/{frame:03d}', heads=heads))
        return samples

    @staticmethod
    def _key(path: Path) -> tuple[int, int]:
        try:
            return int(path.parent.name), int(path.stem)
        except ValueError as error:
            raise ValueError(f'{path}: expected the numbers of video and frame, as in 12/001{path.suffix}') from error

    def _read_heads(self, file: Path) -> np.ndarray:
        content = read_json(file)
        if not isinstance(content, dict) or len(content) != 1:
            raise ValueError(f'{file}: expected the entry of one image, found {len(content)} entries')
        return self.box_heads(entry_rectangles(file, next(iter(content.values()))))[0]
