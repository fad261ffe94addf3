"""Base of all crowd datasets: array annotations, checks before training, reproducible augmentation."""

import contextlib
import logging
import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np
import torch
from mmcv.transforms import LoadImageFromFile
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from mmcrowd.registry import DATASETS
from mmcrowd.utils.files import is_hidden
from mmcrowd.utils.pictures import ImageReadError, image_size

from .naming import require_unique
from .transforms.loading import LoadImage

_INSET = 1 / 64
"""Where clipped points are put, pixels from the border: a point on the far border itself would be outside."""


@contextlib.contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Seed random, numpy and torch (CPU) inside the block and restore their states after it; None changes nothing."""
    if seed is None:
        yield
        return
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    # Not torch.manual_seed: it would reseed the GPUs of a process that loads data by itself.
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])


def list_files(folder: str | Path, pattern: str) -> list[Path]:
    """Files in ``folder`` that match the glob ``pattern``, sorted by name; hidden ones are never data.

    Raises:
        FileNotFoundError: The folder does not exist, or no file matches.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f'{folder}: folder not found, expected it to hold files named {pattern}')
    files = sorted(path for path in folder.glob(pattern) if not is_hidden(path.name))
    if not files:
        raise FileNotFoundError(f'{folder}: no file named {pattern} in this folder, expected at least one')
    return files


def pair_files(images: Mapping, annotations: Mapping) -> list[tuple]:
    """Pair images with annotations of the same key, in the order of the sorted keys.

    Args:
        images: key -> image path.
        annotations: key -> annotation path.

    Returns:
        List of (key, image path, annotation path).

    Raises:
        FileNotFoundError: An image has no annotation, or the reverse.
    """
    for have, lack, what in ((images, annotations, 'annotation'), (annotations, images, 'image')):
        alone = sorted(set(have) - set(lack))
        if alone:
            more = f' (and {len(alone) - 1} more such files)' if len(alone) > 1 else ''
            raise FileNotFoundError(f'{have[alone[0]]}: no {what} belongs to this file{more}, expected one for each')
    return [(key, images[key], annotations[key]) for key in sorted(images)]


def make_heads(points: np.ndarray, boxes: np.ndarray | None = None, source: str | Path = 'annotation') -> np.ndarray:
    """Head array from points and, where known, boxes.

    Args:
        points: (N, 2) xy; any empty array stands for no heads.
        boxes: (N, 4) xyxy, rows of NaN where not annotated; or None.
        source: Named in errors.

    Returns:
        (N, 6) float32: x, y, x1, y1, x2, y2.

    Raises:
        ValueError: Another shape, or something else than numbers.
    """
    points = _numbers(points, 'head points as an (N, 2) array', source)
    points = points.reshape(0, 2) if points.size == 0 else points
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f'{source}: expected head points as an (N, 2) array, got shape {points.shape}')
    heads = np.full((len(points), 6), np.nan, dtype=np.float32)
    heads[:, :2] = points
    if boxes is not None:
        boxes = _numbers(boxes, 'boxes as an (N, 4) array', source)
        boxes = boxes.reshape(0, 4) if boxes.size == 0 else boxes
        if boxes.shape != (len(points), 4):
            raise ValueError(f'{source}: expected one box for each of {len(points)} heads, got shape {boxes.shape}')
        heads[:, 2:] = boxes
    return heads


def _numbers(values: np.ndarray, what: str, source: str | Path) -> np.ndarray:
    try:
        return np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:  # rows of several lengths, or text
        raise ValueError(f'{source}: expected {what} of numbers, got: {error}') from error


def _check_boxes(path: str, boxes: np.ndarray, what: str) -> None:
    """Refuse boxes xyxy that are not finite, or turned around."""
    bad = ~np.isfinite(boxes).all(axis=1) | (boxes[:, 2:] < boxes[:, :2]).any(axis=1)
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(
            f'{path}: {what} {row} of {len(boxes)} is {boxes[row].tolist()}, expected finite numbers x1, y1, x2, y2, '
            'left before right and upper before lower'
        )


@DATASETS.register_module()
class CrowdDataset(BaseDataset):
    """Images with head annotations.

    A subclass implements ``load_data_list`` and returns one dict per image: ``img_path``, ``img_id``, ``heads`` (N, 6)
    float32 (:func:`make_heads`), and, where there are such, ``labels`` (N,) int64, ``ignore_boxes`` (M, 4) float32 xyxy
    and other attributes; coordinates in pixels of the image file.

    Used directly, it reads an annotation file in mmengine's format (``boxes``, ``ignore_boxes`` and ``img_id`` are
    optional)::

        {"metainfo": {}, "data_list": [
            {"img_path": "a.jpg", "points": [[x, y], ...], "boxes": [[x1, y1, x2, y2] or null, ...],
             "ignore_boxes": [[x1, y1, x2, y2], ...]}, ...]}

    Before training starts the samples are checked: no image at all, one that is there twice, missing files, points that
    are NaN or infinite, and boxes and regions to ignore that are so or turned around are errors that name the file;
    heads outside their image are counted and reported. Boxes without area are taken as not annotated. An image without
    heads is an ordinary sample: it is never replaced by another one, and a pipeline that would drop it is an error. An
    image that cannot be decoded is reported once and replaced by another in
    training, and is an error in testing (at the start, if its header is broken).

    Indices from a :class:`SeededSampler` make the augmentation reproducible; see there.

    Args:
        outside: What becomes of points outside the image: 'keep', 'drop' or 'clip' (moved just inside). Kept ones count
            in evaluation, but are in no training crop.
        kwargs: As :class:`mmengine.dataset.BaseDataset`; there is no ``filter_cfg``.
    """

    METAINFO = dict(classes=('head',), palette=[(220, 20, 60)])
    published: dict[str, list[tuple[int, int | None]]] = {}
    """Split, behind the part where there are parts -> sizes that are around: images, and heads, None where those of the
    split are not published."""

    def __init__(self, *args, outside: str = 'keep', **kwargs) -> None:
        if outside not in ('keep', 'drop', 'clip'):
            raise ValueError(f"outside must be 'keep', 'drop' or 'clip', got {outside!r}")
        if kwargs.get('filter_cfg') is not None:
            raise ValueError(f'{type(self).__name__} filters nothing, but filter_cfg={kwargs["filter_cfg"]} was given')
        self.outside = outside
        super().__init__(*args, **kwargs)
        self.pipeline.transforms = [LoadImage.instead_of(transform) for transform in self.pipeline.transforms]
        self._check_pipeline()

    def published_sizes(self, split: str) -> list[tuple[int, int | None]]:
        """Published numbers of images and heads of a split, to check a download against; empty if none are known."""
        return self.published.get(f'{getattr(self, "part", "")} {split}'.strip(), [])

    # ------------------------------------------------------------------ loading

    def load_data_list(self) -> list[dict]:
        """Read the annotation file.

        Raises:
            FileNotFoundError: There is none.
            ValueError: It is not in the format that the class describes.
        """
        if self._metainfo['classes'] == self.METAINFO['classes']:
            del self._metainfo['classes']  # or mmengine would prefer it to what the file says
        try:
            samples = super().load_data_list()
        except (AttributeError, TypeError, ValueError) as error:
            if self.ann_file and str(self.ann_file) in str(error):
                raise
            raise ValueError(
                f'annotation file {self.ann_file!r}: expected a dict with metainfo and data_list, a list of dicts; '
                f'reading it failed with: {error}'
            ) from error
        self._metainfo['classes'] = tuple(self._metainfo.get('classes', self.METAINFO['classes']))
        return samples

    def parse_data_info(self, raw_data_info: dict) -> dict:
        """One entry of an annotation file as a sample."""
        raw = dict(raw_data_info)
        for key in ('img_path', 'points'):
            if key not in raw:
                raise KeyError(f'{self.ann_file}: expected key {key!r} in every entry of data_list, got {sorted(raw)}')
        path = str(Path(self.data_prefix.get('img_path', ''), raw.pop('img_path')))
        points, boxes = raw.pop('points'), raw.pop('boxes', None)
        if boxes is not None:
            boxes = [[np.nan] * 4 if box is None else box for box in boxes]
        raw.setdefault('img_id', Path(path).stem)
        if raw.get('ignore_boxes') is not None:
            ignored = _numbers(raw['ignore_boxes'], 'ignore_boxes as an (M, 4) array', f'{self.ann_file}, {path}')
            raw['ignore_boxes'] = ignored.reshape(-1, 4) if ignored.size == 0 else ignored
            if raw['ignore_boxes'].shape[1:] != (4,):
                raise ValueError(
                    f'{self.ann_file}, {path}: expected ignore_boxes as an (M, 4) array, got shape {ignored.shape}'
                )
        return dict(raw, img_path=path, heads=make_heads(points, boxes, f'{self.ann_file}, {path}'))

    def filter_data(self) -> list[dict]:
        """Check the loaded samples (mmengine calls this between loading and serialising) and return them."""
        if not self.data_list:
            raise ValueError(f'{type(self).__name__} at {self.data_root or self.ann_file}: the list of images is empty')
        counts = dict(outside=0, no_area=0)
        require_unique((str(sample['img_path']), type(self).__name__) for sample in self.data_list)
        for sample in self.data_list:
            self._check_sample(sample, counts)
        name = type(self).__name__
        labels = np.concatenate([sample['labels'] for sample in self.data_list])
        classes = self._metainfo['classes']
        found = zip(classes, np.bincount(labels, minlength=len(classes)).tolist(), strict=True)
        heads = (
            ', '.join(f'{number} {label!r}' for label, number in found) if len(classes) > 1 else f'{len(labels)} heads'
        )
        print_log(f'{name}: {len(self.data_list)} images, {heads}', 'current')
        if counts['outside']:
            done = dict(drop='dropped', clip='moved to the border', keep='kept: no training crop holds them')[
                self.outside
            ]
            print_log(
                f'{name}: {counts["outside"]} heads outside their image, first in {counts["first"]}, were {done}',
                'current',
                logging.WARNING,
            )
        if counts['no_area']:
            print_log(
                f'{name}: {counts["no_area"]} boxes without area are treated as missing', 'current', logging.WARNING
            )
        # In shared memory: all workers of all epochs report a broken image once.
        self._reported = torch.zeros(len(self.data_list), dtype=torch.bool).share_memory_()
        return self.data_list

    def _check_sample(self, sample: dict, counts: dict) -> None:
        path, heads = sample['img_path'], np.asarray(sample['heads'], dtype=np.float32)
        if not Path(path).is_file():
            raise FileNotFoundError(f'{path}: image file not found')
        if heads.ndim != 2 or heads.shape[1] != 6:
            raise ValueError(f'{path}: expected heads as an (N, 6) array, got shape {heads.shape}')
        bad = ~np.isfinite(heads[:, :2]).all(axis=1)
        if bad.any():
            row = int(bad.argmax())
            point = tuple(heads[row, :2].tolist())
            raise ValueError(f'{path}: head {row} of {len(heads)} has the point {point}, expected finite numbers')
        labels = np.asarray(sample.get('labels', np.zeros(len(heads))), dtype=np.int64)
        if labels.shape != (len(heads),):
            raise ValueError(f'{path}: expected one label for each of {len(heads)} heads, got shape {labels.shape}')
        classes = self._metainfo['classes']
        if len(labels) and not (labels.min() >= 0 and labels.max() < len(classes)):
            raise ValueError(
                f'{path}: expected labels from 0 to {len(classes) - 1}, for the classes {classes}, found '
                f'{sorted(set(labels.tolist()))}'
            )
        given = ~np.isnan(heads[:, 2:]).all(axis=1)
        _check_boxes(path, heads[given, 2:], 'box')
        _check_boxes(path, np.asarray(sample.get('ignore_boxes', np.zeros((0, 4)))), 'region to ignore')
        no_area = given & (heads[:, 4:] <= heads[:, 2:4]).any(axis=1)
        counts['no_area'] += int(no_area.sum())
        heads[no_area, 2:] = np.nan
        if len(heads) or self.test_mode:
            heads, labels = self._treat_outside(path, heads, labels, counts)
        sample.update(heads=heads, labels=labels)

    def _treat_outside(
        self, path: str, heads: np.ndarray, labels: np.ndarray, counts: dict
    ) -> tuple[np.ndarray, np.ndarray]:
        try:
            width, height = image_size(path)
        except ValueError:
            if self.test_mode:
                raise
            return heads, labels  # never used: training skips the image and reports it
        points = heads[:, :2]
        # Infinite ones are no heads that could be moved or dropped: they are found by the check of the samples.
        out = ((points < 0) | (points >= (width, height))).any(axis=1) & np.isfinite(points).all(axis=1)
        if out.any():
            counts['outside'] += int(out.sum())
            counts.setdefault('first', path)
        if self.outside == 'drop':
            return heads[~out], labels[~out]
        if self.outside == 'keep':
            return heads, labels
        heads[out, :2] = heads[out, :2].clip(_INSET, (width - _INSET, height - _INSET))
        return heads, labels

    def _check_pipeline(self) -> None:
        if self.test_mode:
            return
        for transform in self.pipeline.transforms:
            for option, wanted in (('allow_negative_crop', True), ('keep_empty', False)):
                if getattr(transform, option, wanted) != wanted:
                    raise ValueError(
                        f'{type(transform).__name__} with {option}={not wanted} drops images without heads: '
                        f'expected {option}={wanted} in the training pipeline of {type(self).__name__}'
                    )

    # ------------------------------------------------------------------ samples

    def __getitem__(self, idx: int) -> dict:
        """The sample ``idx`` after the pipeline; a :class:`SeededIndex` decides its augmentation."""
        with seeded(getattr(idx, 'seed', None)):
            return super().__getitem__(int(idx))

    def prepare_data(self, idx: int) -> dict | None:
        """Run the pipeline on sample ``idx``.

        Returns:
            The packed sample; None (another one is fetched) for an undecodable image in training.

        Raises:
            ValueError: The image cannot be decoded, in testing.
            RuntimeError: A transform dropped the sample.
        """
        data = self.get_data_info(idx)
        path = data['img_path']
        for transform in self.pipeline.transforms:
            if isinstance(transform, LoadImageFromFile):
                try:
                    data = transform(data)
                except (OSError, AssertionError, ValueError, cv2.error) as error:
                    return self._unreadable(idx, path, error)
                if data is None:
                    return self._unreadable(idx, path, 'no image')
                continue
            data = transform(data)
            if data is None:
                raise RuntimeError(
                    f'{path}: {type(transform).__name__} returned None for this image, expected a transform that '
                    'keeps every image, also one without heads (allow_negative_crop=True, keep_empty=False)'
                )
        return data

    def _unreadable(self, idx: int, path: str, error: object) -> None:
        message = f'{path}: expected a readable image file, loading it failed with: {error!r}'
        if isinstance(error, ImageReadError):
            message = str(error)
        if self.test_mode:
            raise ValueError(message)
        if not self._reported[idx]:
            self._reported[idx] = True
            print_log(f'{message}. It is skipped in training.', 'current', logging.ERROR)
