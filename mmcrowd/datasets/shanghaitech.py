"""ShanghaiTech parts A and B (Zhang et al., CVPR 2016)."""

import hashlib
from pathlib import Path

import numpy as np
from mmengine.logging import print_log

from mmcrowd.registry import DATASETS

from .crowd_dataset import CrowdDataset, list_files, make_heads, pair_files
from .layout import files_by
from .readers import mat_points

_CSRNET_VAL = {
    'A': """3 8 9 20 24 28 31 34 35 39 44 56 58 61 63 66 67 76 78 81 89 95 97 100 109 121 122 124 125 129 132 137 143
    151 152
        166 176 179 182 183 187 188 199 203 208 221 233 238 243 245 246 253 258 259 273 276 282 289 299""",
    'B': """2 13 14 18 21 23 24 29 33 37 40 50 54 56 60 61 75 76 92 94 106 119 120 123 129 130 134 137 144 160 171 175
    179 181
        183 186 188 190 191 195 197 198 202 213 222 227 229 230 234 237 238 244 250 252 254 255 262 264 267 287 290 293
        303 305 314 319 336 338 345 348 352 363 370 373 375 380 381 383 389 391""",
}
_CSRNET_NEITHER = {'A': {280}, 'B': set()}

_REVISIONS = {
    ('A', 'train'): {162413: '2016-11', 162707: 'final'},
    ('A', 'test'): {78862: '2016-11', 78970: 'final'},
    ('B', 'train'): {49151: '2016-11', 49280: 'final'},
    ('B', 'test'): {39121: '2016-11', 39208: 'final'},
}
"""Number of heads -> annotation revision. The earlier one lacks all points outside the images."""


@DATASETS.register_module()
class ShanghaiTech(CrowdDataset):
    """ShanghaiTech, part A (300 training, 182 test images) or B (400, 316).

    Looks in ``data_root`` for ``part_A`` or ``part_A_final``, in it for ``train_data`` and ``test_data``, in these for
    ``images/IMG_<n>.jpg`` and ``ground-truth`` or ``ground_truth`` with ``GT_IMG_<n>.mat``. Samples are in the order of
    n, which is also their ``img_id``. Coordinates are as stored (MATLAB's, about half a pixel up to one pixel larger
    than ours).

    Two annotation revisions are around: '2016-11' has no point outside the images, 'final' has (test A 78,862 and
    78,970 heads). ``metainfo['revision']`` says which one was found, 'unknown' if the folder is not complete.

    The data set has no validation split. The images in ``subset='val'`` are taken from the training images, and
    ``subset='train'`` are the others.

    Args:
        data_root: Folder that holds the part's folder.
        part: 'A' or 'B'.
        split: 'train' or 'test'.
        subset: None for all images of the split; 'train' or 'val' for a part of the training images.
        val_split: Fraction of the training images to validate on. They are ranked by their number of heads and cut into
            runs of 1 / fraction; a hash of its number chooses one image of each. So the crowds are as dense as in the
            whole, and the choice is the same everywhere. Or 'csrnet', the lists published with CSRNet (A 240 and 59
            images, IMG_280 is in neither; B 320 and 80).
        kwargs: As :class:`CrowdDataset`.
    """

    # Two revisions of the annotations.
    published = {
        'A train': [(300, 162413), (300, 162707)],
        'A test': [(182, 78862), (182, 78970)],
        'B train': [(400, 49151), (400, 49280)],
        'B test': [(316, 39121), (316, 39208)],
    }

    def __init__(
        self,
        data_root: str,
        part: str = 'A',
        split: str = 'train',
        subset: str | None = None,
        val_split: str | float = 0.1,
        **kwargs,
    ) -> None:
        for name, value, allowed in (
            ('part', part, ('A', 'B')),
            ('split', split, ('train', 'test')),
            ('subset', subset, (None, 'train', 'val')),
        ):
            if value not in allowed:
                raise ValueError(f'{name} must be one of {allowed}, got {value!r}')
        if subset is not None and split == 'test':
            raise ValueError(f"subset={subset!r} is a part of the training images, expected split='train'")
        if val_split != 'csrnet' and not (isinstance(val_split, float) and 0 < val_split < 1):
            raise ValueError(f"val_split must be 'csrnet' or a fraction between 0 and 1, got {val_split!r}")
        self.part, self.split, self.subset, self.val_split = part, split, subset, val_split
        super().__init__(data_root=data_root, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Read all annotations of the split, then take the subset."""
        folder = self._existing(Path(self.data_root), f'part_{self.part}', f'part_{self.part}_final')
        folder = self._existing(folder, f'{self.split}_data')
        truth = self._existing(folder, 'ground-truth', 'ground_truth')
        images = self._by_number(folder / 'images', 'IMG_*.jpg')
        annotations = self._by_number(truth, 'GT_IMG_*.mat')
        samples = [
            dict(
                img_path=str(image),
                img_id=number,
                heads=make_heads(mat_points(annotation, 'image_info', 'location'), source=annotation),
            )
            for number, image, annotation in pair_files(images, annotations)
        ]
        self._metainfo['revision'] = self._revision(samples)
        print_log(f'ShanghaiTech {self.part} {self.split}: annotation revision {self._metainfo["revision"]}', 'current')
        chosen = self._chosen({sample['img_id']: len(sample['heads']) for sample in samples})
        return [sample for sample in samples if sample['img_id'] in chosen]

    @staticmethod
    def _existing(parent: Path, *names: str) -> Path:
        for name in names:
            if (parent / name).is_dir():
                return parent / name
        raise FileNotFoundError(f'{parent}: expected a folder named {" or ".join(names)} in it, found none')

    @staticmethod
    def _by_number(folder: Path, pattern: str) -> dict[int, Path]:
        """Files by the number in their name."""

        def number(path: Path) -> int:
            digits = path.stem.rpartition('_')[2]
            if not digits.isdigit():
                raise ValueError(f'{path}: expected a file name like {pattern.replace("*", "12")}')
            return int(digits)

        return files_by(number, list_files(folder, pattern))

    def _revision(self, samples: list[dict]) -> str:
        total = sum(len(sample['heads']) for sample in samples)
        known = _REVISIONS[self.part, self.split].get(total)
        if known is None and any((sample['heads'][:, :2] < 0).any() for sample in samples):
            return 'final'
        return known or 'unknown'

    def _chosen(self, counts: dict[int, int]) -> set[int]:
        """Numbers of the images in the subset, from the number of heads of every image."""
        if self.subset is None:
            return set(counts)
        if self.val_split == 'csrnet':
            val = {int(number) for number in _CSRNET_VAL[self.part].split()}
            rest = set(counts) - val - _CSRNET_NEITHER[self.part]
        else:
            val = self._stratified(counts)
            rest = set(counts) - val
        return val & set(counts) if self.subset == 'val' else rest

    def _stratified(self, counts: dict[int, int]) -> set[int]:
        """One image out of each of equally long runs of images of similar count, the one whose number hashes lowest."""
        ranked = sorted(counts, key=lambda number: (counts[number], number))
        strata = np.array_split(ranked, max(1, round(len(ranked) * self.val_split)))
        return {min(map(int, s), key=lambda n: hashlib.blake2b(f'{self.part}/{n}'.encode()).digest()) for s in strata}
