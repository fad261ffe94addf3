"""UCF-QNRF (Idrees et al., ECCV 2018)."""

from pathlib import Path

from mmcrowd.registry import DATASETS

from .crowd_dataset import list_files, make_heads, pair_files
from .indexed_dataset import IndexedDataset
from .layout import existing_folder, files_by, number_of
from .readers import mat_points

_BL_VAL = """
    7 12 27 33 38 42 54 62 65 67 68 86 91 97 103 114 116 119 125 128 152 157 190 191 221 250 251 257 268 280 289
    291 302 303 338 339 344 347 357 379 382 385 416 441 470 472 477 485 489 505 510 514 521 536 539 542 545 546
    556 557 576 590 600 605 631 633 638 641 658 684 697 715 733 736 750 775 778 782 790 791 794 802 808 809 811
    823 824 839 853 856 864 887 916 919 925 929 967 975 984 990 1004 1019 1022 1030 1048 1049 1053 1063 1072
    1073 1079 1080 1092 1094 1104 1130 1155 1181 1184 1199
"""
"""Training images that the authors of the Bayesian loss (Ma et al., ICCV 2019) validate on, as DM-Count does."""


@DATASETS.register_module()
class UCFQNRF(IndexedDataset):
    """UCF-QNRF, 1201 training and 334 test images, 1,251,642 heads.

    Looks in ``data_root``, or in ``UCF-QNRF_ECCV18`` in it, for ``Train`` and ``Test`` with ``img_<n>.jpg`` and
    ``img_<n>_ann.mat`` (``annPoints``). ``img_id`` is n. Some points lie just outside their image: give
    ``outside='clip'`` to keep their number.

    Two images (0006 and 0087) are known to be stored lying on their side, with annotations for the upright picture;
    images are decoded as their EXIF data say, here as everywhere.

    Args:
        val_split: A fraction, or 'bl': the 120 training images that the Bayesian loss is validated on.
        kwargs: As :class:`IndexedDataset`.
    """

    val_lists = ('bl',)
    published = {
        'train': [(1201, 1011515)],
        'test': [(334, 240127)],
    }

    def index_inputs(self) -> list[Path]:
        """The folder of the split."""
        root = existing_folder(self.data_root, f'UCF-QNRF_ECCV18/{self.split.title()}', self.split.title())
        return [root]

    def read_samples(self) -> list[dict]:
        """Read one annotation file per image."""
        (folder,) = self.index_inputs()
        images = files_by(number_of, list_files(folder, 'img_*.jpg'))
        annotations = files_by(lambda path: number_of(path, '_ann'), list_files(folder, 'img_*_ann.mat'))
        return [
            dict(img_path=str(image), img_id=number, heads=make_heads(mat_points(file, 'annPoints'), source=file))
            for number, image, file in pair_files(images, annotations)
        ]

    def val_groups(self, groups: set[str]) -> set[str]:
        """The list, or a fraction."""
        return set(_BL_VAL.split()) if self.val_split == 'bl' else super().val_groups(groups)
