"""JHU-CROWD++ (Sindagi et al., TPAMI 2020)."""

from pathlib import Path

import numpy as np

from mmcrowd.registry import DATASETS

from .crowd_dataset import list_files, make_heads, pair_files
from .indexed_dataset import IndexedDataset
from .layout import existing_file, existing_folder, files_by, number_of
from .readers import read_lines, read_numbers


@DATASETS.register_module()
class JHUCrowd(IndexedDataset):
    """JHU-CROWD++, 2272 training, 500 validation and 1600 test images, 1,515,005 heads.

    Looks in ``data_root``, or in ``jhu_crowd_v2.0`` in it, for ``train``, ``val`` and ``test`` with
    ``images/<n>.jpg``, ``gt/<n>.txt`` (per head: x y w h occlusion blur; w and h are approximate) and
    ``image_labels.txt``. ``img_id`` is n. Beside the heads a sample has ``occlusion`` (N,) int8 (1 visible, 2 partly, 3
    fully hidden), ``blur`` (N,) int8, ``scene`` as spelled there, ``weather`` (0 none, 1 fog or haze, 2 rain, 3 snow)
    and ``distractor`` (1: looks like a crowd and has no heads).

    Args:
        kwargs: As :class:`IndexedDataset`.
    """

    splits = ('train', 'val', 'test')
    per_head = ('labels', 'occlusion', 'blur')
    published = {
        'train': [(2272, None)],
        'val': [(500, None)],
        'test': [(1600, None)],
    }

    def index_inputs(self) -> list[Path]:
        """The folder of the split."""
        return [existing_folder(self.data_root, f'jhu_crowd_v2.0/{self.split}', self.split)]

    def read_samples(self) -> list[dict]:
        """Read one annotation file per image."""
        (folder,) = self.index_inputs()
        images = files_by(number_of, list_files(folder / 'images', '*.jpg'))
        annotations = files_by(number_of, list_files(folder / 'gt', '*.txt'))
        labels = self._read_labels(existing_file(folder, 'image_labels.txt'))
        samples = []
        for number, image, file in pair_files(images, annotations):
            if number not in labels:
                raise ValueError(f'{folder / "image_labels.txt"}: expected a line for image {image.name}, found none')
            count, attributes = labels[number]
            rows = read_numbers(file, 6)
            self.notes['images whose number of heads is not that of image_labels.txt'] += count != len(rows)
            half = rows[:, 2:4] / 2
            boxes = np.concatenate([rows[:, :2] - half, rows[:, :2] + half], axis=1)
            per_head = dict(occlusion=rows[:, 4].astype(np.int8), blur=rows[:, 5].astype(np.int8))
            heads = make_heads(rows[:, :2], boxes, file)
            samples.append(dict(img_path=str(image), img_id=number, heads=heads, **per_head, **attributes))
        return samples

    @staticmethod
    def _read_labels(path: Path) -> dict[int, tuple[int, dict]]:
        """Number of heads and attributes of each image."""
        labels = {}
        for line in read_lines(path):
            try:
                number, count, scene, weather, distractor = (part.strip() for part in line.split(','))
                labels[int(number)] = int(count), dict(scene=scene, weather=int(weather), distractor=int(distractor))
            except ValueError as error:
                raise ValueError(f'{path}: expected id,count,scene,weather,distractor, found {line!r}') from error
        return labels
