"""TRANCOS (Guerrero-Gomez-Olmedo et al., IbPRIA 2015)."""

from pathlib import Path

from mmcrowd.registry import DATASETS

from .crowd_dataset import make_heads
from .indexed_dataset import IndexedDataset
from .layout import existing_file
from .readers import read_lines, read_numbers
from .roi import inside_mask, read_mask

_LISTS = dict(train='training', val='validation', trainval='trainval', test='test')


@DATASETS.register_module()
class TRANCOS(IndexedDataset):
    """TRANCOS, vehicles on motorways: 403 training, 420 validation and 421 test images, 46,796 vehicles.

    Looks in ``data_root``, or in ``TRANCOS_v3`` in it, for ``image_sets/<list>.txt`` and, in ``images``,
    ``image-<s>-<n>.jpg`` with ``.txt`` (x and y of each vehicle, whole numbers from 1) and ``mask.mat``, the region of
    interest, outside of which nothing counts. ``img_id`` is the image's name. Samples have ``roi_file``; give the
    pipeline a MaskOutsideRoi. The text files are read, not the dots pictures, in which two vehicles can share a pixel.

    Args:
        roi: Whether to drop the vehicles outside the region of interest.
        split: 'train', 'val', 'trainval' or 'test'.
        kwargs: As :class:`IndexedDataset`.
    """

    METAINFO = dict(classes=('vehicle',), palette=[(220, 20, 60)])
    splits = ('train', 'val', 'trainval', 'test')
    own_offset = -0.5
    published = {
        'train': [(403, None)],
        'val': [(420, None)],
        'test': [(421, None)],
    }

    def __init__(self, data_root: str, *args, roi: bool = True, **kwargs) -> None:
        self.roi = roi
        super().__init__(data_root, *args, **kwargs)

    def index_inputs(self) -> list[Path]:
        """The list, and the folder of the images."""
        name = f'image_sets/{_LISTS[self.split]}.txt'
        listed = existing_file(self.data_root, f'TRANCOS_v3/{name}', name)
        return [listed, listed.parent.parent / 'images']

    def read_samples(self) -> list[dict]:
        """Read one annotation and one mask file per image."""
        listed, folder = self.index_inputs()
        samples = []
        for line in read_lines(listed):
            image = existing_file(folder, line)
            file = existing_file(folder, f'{image.stem}.txt')
            points = read_numbers(file, 2)
            sample = dict(img_path=str(image), img_id=image.stem)
            if self.roi:
                region = existing_file(folder, f'{image.stem}mask.mat')
                inside = inside_mask(points - 1, read_mask(region))
                self.notes['vehicles outside the region of interest, dropped'] += int((~inside).sum())
                points, sample['roi_file'] = points[inside], str(region)
            samples.append(dict(sample, heads=make_heads(points, source=file)))
        return samples
