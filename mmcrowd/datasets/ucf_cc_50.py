"""UCF_CC_50 (Idrees et al., CVPR 2013)."""

from pathlib import Path

from mmcrowd.registry import DATASETS

from .crowd_dataset import list_files, make_heads, pair_files
from .indexed_dataset import IndexedDataset
from .layout import files_by, number_of, own_folder
from .readers import mat_points

_ORDERS = {
    'sequential': ' '.join(str(number) for number in range(1, 51)),
    'ccnn': """37 48 29 10 14 1 45 47 40 24 25 49 18 13 28 34 17 3 26 15 31 6 33 2 30 36 42 20 38 11
        5 7 4 21 27 39 22 43 32 35 8 50 12 19 44 23 9 46 16 41""",
    'dcanet': """1 2 11 19 20 21 25 33 48 50 9 10 16 18 26 27 30 40 44 47 5 13 17 22 31 38 41 42 45 49
        4 6 8 14 23 28 29 34 37 39 3 7 12 15 24 32 35 36 43 46""",
}
"""The images in an order whose tens are the folds."""


@DATASETS.register_module()
class UCFCC50(IndexedDataset):
    """UCF_CC_50, 50 gray images, 63,974 heads, evaluated by 5-fold cross-validation.

    Looks in ``data_root``, or in ``UCF_CC_50`` in it, for ``<n>.jpg`` and ``<n>_ann.mat`` (``annPoints``). ``img_id``
    is n. There is no official division into folds; figures are comparable only with the same one. Images 41 and 46 are
    the same photograph: 'dcanet' has them in two folds, the others in one.

    Args:
        fold: 0 to 4: the images of split 'test'; those of 'train' are all others.
        folds: 'sequential' (1 to 10, 11 to 20, ...), 'ccnn' (Onoro-Rubio et al., ECCV 2016) or 'dcanet' (Yan et al.,
            TCSVT 2021).
        split: 'train', 'test', or 'all' for the 50 images.
        kwargs: As :class:`IndexedDataset`.
    """

    splits = ('train', 'test', 'all')
    published = {
        'all': [(50, 63974)],
    }

    def __init__(self, data_root: str, *args, fold: int = 0, folds: str = 'sequential', **kwargs) -> None:
        if fold not in range(5):
            raise ValueError(f'fold must be 0 to 4, got {fold!r}')
        if folds not in _ORDERS:
            raise ValueError(f'folds must be one of {sorted(_ORDERS)}, got {folds!r}')
        self.fold, self.folds = fold, folds
        super().__init__(data_root, *args, **kwargs)

    def index_inputs(self) -> list[Path]:
        """The folder of the images."""
        return [own_folder(self.data_root, 'UCF_CC_50')]

    def read_samples(self) -> list[dict]:
        """Read one annotation file per image."""
        (folder,) = self.index_inputs()
        images = files_by(number_of, list_files(folder, '[0-9]*.jpg'))
        files = files_by(lambda path: number_of(path, '_ann'), list_files(folder, '[0-9]*_ann.mat'))
        order = [int(number) for number in _ORDERS[self.folds].split()]
        tested = set(order[10 * self.fold : 10 * self.fold + 10])
        wanted = {'test': tested, 'train': set(order) - tested, 'all': set(order)}[self.split]
        return [
            dict(img_path=str(image), img_id=number, heads=make_heads(mat_points(file, 'annPoints'), source=file))
            for number, image, file in pair_files(images, files)
            if number in wanted
        ]
