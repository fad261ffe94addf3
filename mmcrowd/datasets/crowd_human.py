"""Heads of CrowdHuman (Shao et al., 2018)."""

import json
from pathlib import Path

import numpy as np

from mmcrowd.registry import DATASETS

from .indexed_dataset import IndexedDataset
from .layout import existing_file, own_folder
from .readers import read_lines


@DATASETS.register_module()
class CrowdHumanHeads(IndexedDataset):
    """Head boxes of CrowdHuman, 15,000 training and 4370 validation images.

    Looks in ``data_root``, or in ``CrowdHuman`` in it, for ``annotation_train.odgt`` and ``annotation_val.odgt`` (a
    JSON object per line), and for ``Images/<ID>.jpg``; the ID, which has a comma in it, is ``img_id``.

    Persons without ``head_attr`` have no annotated head. Masks (groups, statues, reflections: their full box) and heads
    marked to be ignored become ``ignore_boxes``.

    Args:
        kwargs: As :class:`IndexedDataset`.
    """

    splits = ('train', 'val')
    published = {
        'train': [(15000, None)],
        'val': [(4370, None)],
    }

    def index_inputs(self) -> list[Path]:
        """The annotation file, and the images."""
        folder = own_folder(self.data_root, 'CrowdHuman')
        return [existing_file(folder, f'annotation_{self.split}.odgt'), folder / 'Images']

    def read_samples(self) -> list[dict]:
        """Read the annotation file."""
        file, folder = self.index_inputs()
        samples = []
        for number, line in enumerate(read_lines(file), start=1):
            try:
                record = json.loads(line)
                heads, ignored = self._read_boxes(record['gtboxes'])
                name = record['ID']
            except (KeyError, TypeError, json.JSONDecodeError) as error:
                raise ValueError(f'{file}, line {number}: expected an ID and gtboxes, found {error!r}') from error
            image = folder / f'{name}.jpg'
            heads, _ = self.box_heads(np.reshape(heads, (-1, 4)).astype(np.float64))
            ignored = np.reshape(ignored, (-1, 4)).astype(np.float32)
            samples.append(dict(img_path=str(image), img_id=name, heads=heads, ignore_boxes=ignored))
        return samples

    def _read_boxes(self, persons: list[dict]) -> tuple[list, list]:
        """Head boxes and boxes to ignore, xyxy."""
        heads, ignored = [], []
        for person in persons:
            attributes = person.get('head_attr') or {}
            marked = attributes.get('ignore') == 1 or (person.get('extra') or {}).get('ignore') == 1
            if person['tag'] == 'mask':
                ignored.append(_corners(person['fbox']))
            elif not attributes:
                self.notes['persons without an annotated head'] += 1
            else:
                (ignored if marked else heads).append(_corners(person['hbox']))
        return heads, ignored


def _corners(box: list[float]) -> list[float]:
    left, top, width, height = box
    return [left, top, left + width, top + height]
