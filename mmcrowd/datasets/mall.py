"""Mall (Chen et al., BMVC 2012)."""

from pathlib import Path

import numpy as np

from mmcrowd.registry import DATASETS

from .crowd_dataset import list_files, make_heads
from .indexed_dataset import IndexedDataset
from .layout import existing_file, existing_folder, files_by, number_of
from .readers import as_rows, mat_value, read_mat, unwrap
from .roi import inside_mask, read_mask


@DATASETS.register_module()
class Mall(IndexedDataset):
    """Mall, 2000 frames of one camera, 62,325 heads: the first 800 train, the others test.

    Looks in ``data_root``, or in ``mall_dataset`` in it, for ``frames/seq_<n>.jpg`` (n from 1), ``mall_gt.mat`` and,
    for the region of interest and the perspective map, ``perspective_roi.mat``. ``img_id`` is n.
    Where there is the latter, samples have its path as ``perspective_file``.

    Args:
        roi: Whether to drop the heads outside the region of interest, and give samples its ``roi_file`` for
            MaskOutsideRoi. Most published figures are on the whole image.
        split: 'train', 'test' or 'all'.
        kwargs: As :class:`IndexedDataset`.
    """

    splits = ('train', 'test', 'all')
    published = {
        'train': [(800, None)],
        'test': [(1200, None)],
        'all': [(2000, 62325)],
    }

    def __init__(self, data_root: str, *args, roi: bool = False, **kwargs) -> None:
        self.roi = roi
        super().__init__(data_root, *args, **kwargs)

    def index_inputs(self) -> list[Path]:
        """The frames, and the annotation files beside them."""
        frames = existing_folder(self.data_root, 'mall_dataset/frames', 'frames')
        files = [existing_file(frames.parent, 'mall_gt.mat')]
        region = frames.parent / 'perspective_roi.mat'
        return [frames, *files] + ([existing_file(region.parent, region.name)] if self.roi or region.is_file() else [])

    def read_samples(self) -> list[dict]:
        """Read the one annotation file."""
        folder, file, *region = self.index_inputs()
        content = read_mat(file)
        if 'frame' not in content:
            raise ValueError(f"{file}: expected the key 'frame', found {sorted(content)}")
        frames = content['frame'].reshape(-1)
        counts = mat_value(file, content, 'count').reshape(-1) if 'count' in content else None
        mask = read_mask(region[0]) if self.roi else None
        extra = dict(perspective_file=str(region[0])) if region else {}
        samples = []
        for number, path in sorted(files_by(number_of, list_files(folder, 'seq_*.jpg')).items()):
            if not 1 <= number <= len(frames):
                raise ValueError(f'{path}: expected a number from 1 to {len(frames)}, the frames of {file}')
            if not {'train': number <= 800, 'test': number > 800, 'all': True}[self.split]:
                continue
            points = as_rows(file, np.asarray(unwrap(unwrap(frames[number - 1])['loc'])), 2)
            if counts is not None:
                self.notes['frames whose number of points is not their count'] += int(counts[number - 1]) != len(points)
            sample = dict(img_path=str(path), img_id=number, **extra)
            if mask is not None:
                inside = inside_mask(points, mask)
                self.notes['heads outside the region of interest, dropped'] += int((~inside).sum())
                points, sample['roi_file'] = points[inside], str(region[0])
            samples.append(dict(sample, heads=make_heads(points, source=file)))
        return samples
