"""Everybody's own data."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmcrowd.registry import DATASETS
from mmcrowd.utils.pictures import image_size

from .classes import choose_classes, class_names
from .crowd_dataset import make_heads
from .formats import AnnotatedImage, Collection, format_named
from .indexed_dataset import IndexedDataset
from .transforms import ConvertHeadsToBoxes


@DATASETS.register_module()
class CustomCrowd(IndexedDataset):
    """Images with annotations in one of the formats of :mod:`mmcrowd.datasets.formats`.

    Heads may have points, boxes or both, and several classes; a box alone gives a head at its centre. ``img_id`` is the
    image's path in its folder. Coordinates are pixels of the upright image, as a viewer shows it.

    An image whose size differs from what the annotations say is an error, as is one of which x and y, or width and
    height, look exchanged: its coordinates would all be wrong.

    Args:
        data_root: Folder that ``ann_file`` and ``img_folder`` are relative to.
        ann_file: Annotation file, or the folder of the annotation files.
        img_folder: Folder of the images.
        format: 'json' (mmcrowd's own), 'coco', 'yolo', 'voc', 'labelme', 'label_studio', 'cvat', 'via', 'csv',
            'points', 'mot' or 'shanghaitech'.
        classes: Names to train on, in the order of their labels; heads of other classes are dropped and counted. None
            takes those of the annotations.
        merge_classes: Name of the one class that all of these become, for models that know one; None keeps them apart.
        unlisted_empty: Whether images of the folder that have no entry are images without heads; they are left out
            otherwise.
        kwargs: As :class:`IndexedDataset`; a validation ``subset`` keeps images of one ``group`` together.
    """

    splits = ('all',)

    def __init__(
        self,
        data_root: str = '',
        ann_file: str = 'annotations.json',
        img_folder: str = 'images',
        format: str = 'json',
        classes: Sequence[str] | None = None,
        merge_classes: str | None = None,
        unlisted_empty: bool = False,
        split: str = 'all',
        **kwargs,
    ) -> None:
        format_named(format)
        self.img_folder, self.format, self.unlisted_empty = img_folder, format, unlisted_empty
        self.classes, self.merge_classes = class_names(classes), merge_classes
        super().__init__(data_root, ann_file=ann_file, split=split, **kwargs)
        self._check_boxes()

    def index_inputs(self) -> list[Path]:
        """Annotations, and the images, whose sizes are checked."""
        paths = [Path(self.ann_file), Path(self.data_root) / self.img_folder]
        for path, what in zip(paths, ('annotations', 'the images'), strict=True):
            if not path.exists():
                raise FileNotFoundError(f'{path}: no such file or folder, expected {what} there')
        return paths

    def group(self, sample: dict) -> str:
        """What the annotations say, or the image alone."""
        return str(sample.get('group', sample['img_id']))

    def read_samples(self) -> list[dict]:
        """Read all annotations and the size of every image."""
        path, folder = self.index_inputs()
        collection = format_named(self.format).read(path, folder, self.unlisted_empty)
        self.notes.update(collection.notes)
        classes, labels = choose_classes(collection.classes, self.classes, self.merge_classes, path)
        self.found_meta['classes'] = list(classes or self.METAINFO['classes'])
        self._count_classes(collection, labels)
        check_images(collection, folder, path)
        return [self._sample(image, folder, labels) for image in collection.images]

    def _count_classes(self, collection: Collection, labels: np.ndarray) -> None:
        """Count what is left out and what is merged, by class."""
        number = np.bincount(
            np.concatenate([np.zeros(0, np.int64), *(image.labels for image in collection.images)]),
            minlength=len(labels),
        )
        for name, heads, label in zip(collection.classes, number.tolist(), labels.tolist(), strict=True):
            if label < 0:
                self.notes[f'heads of class {name!r}, dropped'] += heads
            elif self.merge_classes and name != self.merge_classes:
                self.notes[f'heads of class {name!r}, taken as {self.merge_classes!r}'] += heads

    def _sample(self, image: AnnotatedImage, folder: Path, new: np.ndarray) -> dict:
        path = folder / image.img_path
        labels = new[image.labels]
        kept = labels >= 0
        sample = dict(image.extra, img_path=str(path), img_id=image.extra.get('img_id', image.img_path))
        heads = make_heads(image.points[kept], image.boxes[kept], path)
        return dict(sample, heads=heads, labels=labels[kept], ignore_boxes=image.ignore_boxes.astype(np.float32))

    def _check_boxes(self) -> None:
        """Refuse to train a detector on heads of which no size is known."""
        converters = [t for t in self.pipeline.transforms if isinstance(t, ConvertHeadsToBoxes)]
        if all(t.missing not in ('error', 'drop') for t in converters) or self.test_mode:
            return
        heads = np.concatenate([self.get_data_info(i)['heads'] for i in range(len(self))])
        if len(heads) and np.isnan(heads[:, 2:]).any(axis=1).all():
            raise ValueError(
                f'{self.ann_file}: all {len(heads)} heads are points without a box, and a detector cannot learn sizes '
                "from points. Train a model of points, annotate boxes, or set ConvertHeadsToBoxes(missing='pseudo')"
            )


def check_images(collection: Collection, folder: Path, source: str | Path) -> None:
    """Look for the images of annotations, and compare their sizes.

    Raises:
        FileNotFoundError: Images are missing; names up to 5, and what else is wrong.
        ValueError: Sizes or points contradict the images, see :func:`check_frame`.

    The error's ``problems`` has all of them: path of the image -> what is wrong.
    """
    problems: dict[str, Exception] = {}
    for image in collection.images:
        path = folder / image.img_path
        try:
            if not path.is_file():
                raise FileNotFoundError(f'{path}: image file not found, but {source} has annotations of it')
            check_frame(path, image)
        except (FileNotFoundError, ValueError) as error:
            problems[str(path)] = error
    if problems:
        first, more = list(problems.values())[:5], len(problems) - 5
        text = ';\n'.join(map(str, first)) + (f';\nand {more} more such images' if more > 0 else '')
        error = type(first[0])(text)
        error.problems = {path: str(problem) for path, problem in problems.items()}
        raise error


def check_frame(path: Path, image: AnnotatedImage) -> None:
    """Compare annotations with the size of their image.

    Raises:
        ValueError: The sizes differ, or most points are outside and none would be with x and y exchanged.
    """
    width, height = image_size(path)
    if image.size is not None and tuple(image.size) != (width, height):
        turned = tuple(image.size) == (height, width)
        raise ValueError(
            f'{path}: the annotations are of an image of {image.size[0]}x{image.size[1]} pixels, found {width}x{height}'
            + (': the file is shown turned by its EXIF data, and was annotated without that' if turned else '')
        )
    if len(image) < 4:
        return
    outside = ((image.points < 0) | (image.points > (width, height))).any(axis=1)
    exchanged = ((image.points < 0) | (image.points > (height, width))).any(axis=1)
    if outside.mean() > 0.25 and not exchanged.any():
        raise ValueError(
            f'{path}: {int(outside.sum())} of {len(image)} points are outside the {width}x{height} image, and none '
            'would be with x and y exchanged: expected points as x, y'
        )
