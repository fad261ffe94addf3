"""GTA_Head (Zhong et al., Mask Focal Loss, 2022)."""

from pathlib import Path

import numpy as np

from mmcrowd.registry import DATASETS

from .indexed_dataset import IndexedDataset
from .layout import existing_folder, image_files
from .mot import read_boxes


@DATASETS.register_module()
class GTAHead(IndexedDataset):
    """GTA_Head, 24 training and 11 test scenes of a video game, 5096 images, 1,732,043 boxes.

    Looks in ``data_root``, or in ``GTA_Head`` in it, for ``train`` and ``test``, and there, at any depth, for
    ``<scene>/gt/gt.txt`` (MOTChallenge rows) beside ``<scene>/img1/<frame>.jpg`` or ``.png``. ``img_id`` is
    '<scene>/<frame>'. Box sizes are interpolated from a few drawn by hand. A validation subset takes whole scenes.

    Args:
        kwargs: As :class:`IndexedDataset`.
    """

    def index_inputs(self) -> list[Path]:
        """The folder of the split."""
        return [existing_folder(self.data_root, f'GTA_Head/{self.split}', self.split)]

    def group(self, sample: dict) -> str:
        """The scene."""
        return sample['img_id'].rpartition('/')[0]

    def read_samples(self) -> list[dict]:
        """Read one annotation file per scene."""
        (folder,) = self.index_inputs()
        samples = []
        files = sorted(folder.rglob('gt/gt.txt'))
        if not files:
            raise FileNotFoundError(f'{folder}: expected <scene>/gt/gt.txt below this folder, found none')
        for file in files:
            scene, frames = file.parent.parent, read_boxes(file)
            name = scene.relative_to(folder).as_posix()
            for stem, image in image_files(scene / 'img1').items():
                boxes = frames.get(int(stem), np.zeros((0, 8)))[:, :4]
                heads, _ = self.box_heads(boxes)
                samples.append(dict(img_path=str(image), img_id=f'{name}/{stem}', heads=heads))
        return samples
