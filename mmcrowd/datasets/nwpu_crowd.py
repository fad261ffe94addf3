"""NWPU-Crowd (Wang et al., TPAMI 2020)."""

from pathlib import Path

import numpy as np

from mmcrowd.registry import DATASETS

from .crowd_dataset import list_files, make_heads
from .indexed_dataset import IndexedDataset
from .layout import existing_file, files_by, own_folder
from .readers import as_rows, mat_value, read_json, read_lines, read_mat


@DATASETS.register_module()
class NWPUCrowd(IndexedDataset):
    """NWPU-Crowd, 3109 training, 500 validation and 1500 test images, 2.13 million heads with boxes.

    Looks in ``data_root``, or in ``NWPU-Crowd`` in it, for ``<n>.jpg`` in the folders ``images_part1`` to
    ``images_part5``, or in ``images``; for ``jsons/<n>.json``, or ``mats/<n>.mat`` if there are no jsons (points only,
    boxes where the file has them); and for the lists ``train.txt``, ``val.txt`` and ``test.txt``, which alone say what
    belongs to a split. ``img_id`` is n. A sample also has ``luminance`` (0 to 3) and ``level`` (0: no head, 1: up to
    100, 2: up to 500, 3: up to 5000, 4: more), as the lists say.

    The annotations of the test images are not public: split 'test' has no heads and serves to write a submission.

    Args:
        kwargs: As :class:`IndexedDataset`.
    """

    splits = ('train', 'val', 'test')
    published = {
        'train': [(3109, None)],
        'val': [(500, 196238)],
        'test': [(1500, None)],
    }

    def index_inputs(self) -> list[Path]:
        """The folder of the data set."""
        return [own_folder(self.data_root, 'NWPU-Crowd', 'NWPU_Crowd')]

    def read_samples(self) -> list[dict]:
        """Read one annotation file per image on the list."""
        (root,) = self.index_inputs()
        images = files_by(lambda path: path.stem, list_files(root, 'images*/*.jpg'))
        samples = []
        for line in read_lines(existing_file(root, f'{self.split}.txt')):
            name, *levels = line.split()
            if name not in images:
                raise FileNotFoundError(f'{root}: {name}.jpg of {self.split}.txt is in no folder images*')
            sample = dict(img_path=str(images[name]), img_id=int(name), heads=self._read_heads(root, name))
            if len(levels) == 2:
                sample.update(luminance=int(levels[0]), level=int(levels[1]))
            samples.append(sample)
        return samples

    def _read_heads(self, root: Path, name: str) -> np.ndarray:
        if self.split == 'test':
            return make_heads([])
        file = existing_file(root, f'jsons/{name}.json', f'mats/{name}.mat')
        if file.suffix == '.mat':
            content = read_mat(file)
            points = as_rows(file, mat_value(file, content, 'annPoints'), 2)
            boxes = as_rows(file, content['annBoxes'], 4, 'boxes') if 'annBoxes' in content else None
            return make_heads(points, boxes, file)
        content = read_json(file)
        missing = {'points', 'boxes', 'human_num'} - set(content)
        if missing:
            raise ValueError(f'{file}: expected the keys points, boxes and human_num, found {sorted(content)}')
        number = len(content['points'])
        if content['human_num'] != number:
            raise ValueError(f'{file}: expected human_num {number}, the number of points, found {content["human_num"]}')
        return make_heads(as_rows(file, content['points'], 2), as_rows(file, content['boxes'], 4, 'boxes'), file)
