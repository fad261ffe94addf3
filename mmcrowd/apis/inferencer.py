"""A trained model on a user's images and videos: paths, arrays, pictures or cameras in, heads out."""

from __future__ import annotations

import hashlib
import json
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.device import get_device
from mmengine.model.utils import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from PIL.Image import Image as PillowImage
from torch import nn

from mmcrowd.models.detectors.tiling import TiledDetector
from mmcrowd.registry import MODELS
from mmcrowd.structures import Heads
from mmcrowd.utils.configs import read_config
from mmcrowd.utils.devices import check_device
from mmcrowd.utils.downloads import is_address
from mmcrowd.utils.files import is_image_name, printable
from mmcrowd.utils.frames import is_stream, is_video_name, iter_frames, source_name
from mmcrowd.utils.pictures import ImageReadError, check_pixels, from_pillow, read_image
from mmcrowd.utils.weights import file_sha256, load_weights, read_weights

from .batches import Picture, predict_pictures
from .images import check_array, is_pattern, list_images, matching_files
from .intervals import CountIntervals, intervals_file, read_intervals
from .result import CrowdResult
from .zoo import DEFAULT_MODEL, find_model, is_model_name

Image = str | Path | np.ndarray | PillowImage
Source = Image | int

_BYTES_PER_PIXEL = 500
"""What a ResNet-50 with a feature pyramid takes at least for an image that it predicts whole."""

_ANNOTATION_TRANSFORMS = ('EncodeTargets', 'ConvertHeadsToBoxes', 'FilterAnnotations')


class CrowdInferencer:
    """Finds the heads in images.

    A config is a Python program and is executed: use configs you trust. Weights are data: nothing of the file is
    executed, and they must fit the model completely.

    Args:
        model: Name of a model (:mod:`mmcrowd.apis.zoo`), config file, loaded config, or a model that carries its config
            as ``model.cfg``. None is the model that comes with the package.
        weights: Checkpoint file or address. None takes those published of a named model, and keeps the weights a given
            model has; a model built from a config then stays untrained, with a warning.
        device: Such as 'cpu' or 'cuda:0'; None takes the first GPU, or the CPU if there is none. A given model stays
            where it is.
        score_thr: Heads with a lower score are left out of everything; the count is that of the others. None keeps what
            the model itself reports. With a threshold there are no intervals: they were fitted without.
        max_pixels: Most pixels of an image file; None is the reader's limit (:mod:`mmcrowd.utils.pictures`).
        max_whole_pixels: Most pixels that a model is given at once if it knows no tiles, or has ``mode='whole'``; a
            batch has no more either.
        batch_size: Most images that go through the network together (:meth:`predict_batch`), and that :meth:`stream`
            holds. Results are those of one by one.
        scale: Images are enlarged (above 1) or shrunk by this factor before the model's own pipeline sees them, for
            heads larger or smaller than those it was trained on. Results are in pixels of the image that was given.
            With another than 1 there are no intervals: they were fitted without.

    Raises:
        FileNotFoundError: The config or the weights are missing.
        ValueError: There is no model of that name; the weights are not a checkpoint, or do not fit the model
            completely; the intervals beside them are those of others; the device is not there; the threshold is not
            finite; the batch size is less than 1; the scale is not a positive number.

    Examples:
        >>> crowd = CrowdInferencer()  # or CrowdInferencer('configs/fidt/fidt-lite_s2d_90min_sha.py', 'weights.pth')
        >>> result = crowd('photo.jpg')
        >>> print(result.count, result.points)
    """

    def __init__(
        self,
        model: str | Path | Config | nn.Module | None = None,
        weights: str | Path | None = None,
        device: str | None = None,
        score_thr: float | None = None,
        max_pixels: int | None = None,
        max_whole_pixels: int = 2**25,
        batch_size: int = 1,
        scale: float = 1.0,
    ) -> None:
        if score_thr is not None and not math.isfinite(score_thr):
            raise ValueError(f'score_thr: expected a number, found {score_thr}')
        if batch_size < 1:
            raise ValueError(f'batch_size: expected 1 or more, found {batch_size}')
        if not 0 < scale < math.inf:
            raise ValueError(f'scale: expected a positive number, found {scale}')
        if device is not None:
            check_device(device)
        self.score_thr, self.batch_size, self.scale = score_thr, batch_size, scale
        self.max_pixels, self.max_whole_pixels = max_pixels, max_whole_pixels
        self.intervals = None
        if model is None and weights is not None:
            raise ValueError(f'{weights}: weights need the model that they belong to: name it, or give its config')
        model, sha256 = DEFAULT_MODEL if model is None else model, None
        self.zoo_model = None
        if is_model_name(model):
            found = find_model(model, needs_weights=weights is None)
            model = found.config
            if weights is None:
                self.zoo_model, weights, sha256 = found, found.weights, found.sha256
        if isinstance(model, nn.Module):
            if not isinstance(getattr(model, 'cfg', None), dict | Config):
                raise ValueError(f'{type(model).__name__} has no config: set model.cfg to the config it was built from')
            self.cfg, self.model = model.cfg, model
        else:
            self.cfg = _load_config(model)
            init_default_scope(self.cfg.get('default_scope', 'mmdet'))
            self.model = revert_sync_batchnorm(MODELS.build(self.cfg.model))
            device = device or get_device()
        if weights is not None:
            load_weights(self.model, read_weights(weights, sha256=sha256), weights)
            self.intervals = _intervals_of(weights) if score_thr is None and scale == 1 else None
        elif not isinstance(model, nn.Module):
            warnings.warn(
                'CrowdInferencer got no weights: this model is untrained, its heads mean nothing', stacklevel=2
            )
        if device is not None:
            self.model.to(device)
        if isinstance(self.model, TiledDetector):  # operators of mmcv, which other detectors have, may not know it
            self.model.to(memory_format=torch.channels_last)
        self.model.eval()
        init_default_scope(self.cfg.get('default_scope', 'mmdet'))
        self.pipeline = Compose(_rescaling(scale) + inference_pipeline(self.cfg))

    def __call__(self, images: Source | Sequence[Source], return_map: bool = False) -> CrowdResult | list[CrowdResult]:
        """Find the heads of one image or several.

        Args:
            images: An image file, an ``(H, W, 3)`` uint8 BGR array (as ``cv2.imread`` gives it), a PIL image of any
                mode, a folder of images, a pattern such as ``'photos/**/*.jpg'``, a video, or a list of these.
            return_map: Whether the results carry the predicted maps.

        Returns:
            One result for an image, a list for a folder, a pattern, a video or a list.

        Raises:
            FileNotFoundError: A path leads nowhere, or to a folder without images.
            ValueError: A file is not an image or a video, an array is not an image, the model gives no maps, or a
                camera, which has no end: :meth:`stream` takes it.
        """
        if not isinstance(images, list | tuple):
            if not isinstance(images, str | Path | int) or _is_image_file(images):
                return self.predict(images, return_map)
            images = [images]
        for source in images:
            if isinstance(source, int) or is_stream(source):
                raise ValueError(f'{source_name(source)}: it has no end, and a list would: use stream(...)')
        return list(self.stream(images, return_map))

    def stream(self, images: Source | Iterable[Source], return_map: bool = False) -> Iterator[CrowdResult]:
        """Find the heads of images one after the other, for large folders, videos and cameras.

        ``batch_size`` images are held at a time; of a camera, results come when so many frames are there.

        Args:
            images: Files, arrays, PIL images, folders, patterns, videos, addresses of streams (``rtsp://...``) and
                indices of cameras, one of them or any iterable. Paths of a list or tuple are checked before the first
                image is predicted.
            return_map: Whether the results carry the predicted maps.

        Yields:
            One result per image or frame, in order; those of frames have ``frame`` and ``seconds``.

        Raises:
            FileNotFoundError: A path leads nowhere.
            ValueError: Something is no image or video that can be read.

        Warns:
            UserWarning: A video ends before its last frame, or a camera stops.
        """
        if isinstance(images, Source):
            images = [images]
        if isinstance(images, list | tuple):
            images = [file for image in images for file in _expand(image)]
        for picture in predict_pictures(self, self._pictures(images), return_map):
            if picture.error is not None:
                raise picture.error
            yield replace(picture.result, frame=picture.frame, seconds=picture.seconds)

    def _pictures(self, images: Iterable[Source]) -> Iterator[Picture]:
        for image in images:
            for file in _expand(image):
                if not _is_video(file):
                    yield self._read(file)
                    continue
                for index, seconds, pixels in iter_frames(file):
                    yield Picture(source_name(file), pixels, index, seconds)

    def _read(self, image: Image, path: str | Path | None = None) -> Picture:
        if isinstance(image, PillowImage):
            image = from_pillow(image, self.max_pixels)
        elif not isinstance(image, np.ndarray):
            image, path = read_image(image, self.max_pixels), image
        return Picture(None if path is None else str(path), check_array(image))

    def predict(self, image: Image, return_map: bool = False, path: str | Path | None = None) -> CrowdResult:
        """Find the heads of one image: a file, a PIL image, or a BGR array, which may come from the file ``path``."""
        picture = self._read(image, path)
        return self.predict_batch([picture.pixels], return_map, [picture.path])[0]

    @torch.no_grad()
    def predict_batch(
        self, images: Sequence[np.ndarray], return_map: bool = False, paths: Sequence[str | None] | None = None
    ) -> list[CrowdResult]:
        """Find the heads of several images, all of which are held.

        Up to ``batch_size`` images go through the network together if it sees them in one size: that of its pipeline,
        rounded up as its preprocessor pads an image alone, so that none has more padding than alone. Images that are
        predicted in tiles, and those of a size of their own, go alone.

        Args:
            images: ``(H, W, 3)`` uint8 BGR arrays.
            return_map: Whether the results carry the predicted maps.
            paths: Files that they come from.

        Returns:
            One result per image, in order.

        Raises:
            ImageReadError: An image is too large for a model that takes images whole.
        """
        paths = [None] * len(images) if paths is None else paths
        data = [self.prepare(check_array(image), path) for image, path in zip(images, paths, strict=True)]
        for each, path in zip(data, paths, strict=True):
            self._check_whole(each['inputs'].shape[-2:], path)
        self._ask_for_maps(return_map)
        results: list = [None] * len(images)
        for together in self._together([tuple(each['inputs'].shape[-2:]) for each in data]):
            batch = {key: [data[i][key] for i in together] for key in ('inputs', 'data_samples')}
            for i, sample in zip(together, self.model.test_step(batch), strict=True):
                results[i] = self._to_result(sample, paths[i], images[i].shape[1::-1], return_map)
        return results

    def _together(self, shapes: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
        """Which inputs of these shapes (h, w) go through the network together, by their places."""
        divisor, alike = getattr(self.model.data_preprocessor, 'pad_size_divisor', 1), {}
        for place, shape in enumerate(shapes):
            padded = tuple(-(-side // divisor) * divisor for side in shape)
            alike.setdefault((padded, place if self._in_tiles(shape) else None), []).append(place)
        for (padded, _), places in alike.items():
            size = max(1, min(self.batch_size, self.max_whole_pixels // (padded[0] * padded[1])))
            yield from (places[start : start + size] for start in range(0, len(places), size))

    def prepare(self, pixels: np.ndarray, path: str | None = None) -> dict:
        """An image, (H, W, 3) uint8 BGR, after the test pipeline: ``inputs`` and ``data_samples``."""
        shape = pixels.shape[:2]
        if self.scale > 1:
            try:
                check_pixels((int(shape[1] * self.scale), int(shape[0] * self.scale)), self.max_pixels)
            except ValueError as error:
                name = printable(path or 'the image')
                raise ImageReadError(f'{name}, {self.scale:g} times as large: {error}') from None
        return self.pipeline(dict(img=pixels, img_path=path, img_id=0, img_shape=shape, ori_shape=shape))

    def identity(self) -> dict[str, str | float | None]:
        """What numbers depend on, beside the images: hashes of model config and weights, threshold, scale."""
        config = json.dumps([dict(self.cfg.model), inference_pipeline(self.cfg)], sort_keys=True, default=str)
        weights = hashlib.sha256()
        for name, value in self.model.state_dict().items():
            weights.update(name.encode())
            weights.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
        return dict(
            model=hashlib.sha256(config.encode()).hexdigest(),
            weights=weights.hexdigest(),
            score_threshold=self.score_thr,
            scale=float(self.scale),
        )

    def _check_whole(self, shape: tuple[int, int], path: str | None) -> None:
        if not self._in_tiles(shape) and shape[0] * shape[1] > self.max_whole_pixels:
            name, needed = printable(path or 'the image'), shape[0] * shape[1] * _BYTES_PER_PIXEL
            raise ImageReadError(
                f'{name}: {type(self.model).__name__} takes an image whole, and {shape[1]} x {shape[0]} pixels would '
                f'need {needed / 1e9:,.1f} GB or more; the limit is max_whole_pixels={self.max_whole_pixels:,}: scale '
                'the image down, cut it, or let a model that knows tiles predict it'
            )

    def _in_tiles(self, shape: tuple[int, int]) -> bool:
        return isinstance(self.model, TiledDetector) and self.model.uses_tiles(tuple(shape))

    def _ask_for_maps(self, wanted: bool) -> None:
        test_cfg = getattr(self.model, 'test_cfg', None) or {}
        if bool(test_cfg.get('return_maps', False)) != wanted:
            self.model.test_cfg = type(test_cfg)(test_cfg, return_maps=wanted)

    def _to_result(
        self, sample: DetDataSample, path: str | None, size: tuple[int, int], return_map: bool
    ) -> CrowdResult:
        heads, count = Heads.read(sample.get('pred_instances')), sample.get('pred_count')
        has_points = heads is not None
        if not has_points:
            if count is None:
                raise ValueError(f'{type(self.model).__name__} gave neither points nor boxes nor a count')
            heads = Heads.none()
        scores = np.ones(len(heads), np.float32) if heads.scores is None else heads.scores
        if self.score_thr is not None:
            keep = scores >= self.score_thr
            heads, scores = heads.select(keep), scores[keep]
            if has_points:
                count = None  # the model's own is that of its own rule
            else:
                warnings.warn('score_thr leaves out nothing: the model counts without points', stacklevel=2)
        if return_map and 'pred_map' not in sample:
            raise ValueError(f'{type(self.model).__name__} returned no map, though it was asked for one')
        maps = None
        if 'pred_map' in sample:
            maps = {name: value.float().cpu().numpy() for name, value in sample.pred_map.items()}
        count = len(heads) if count is None else float(count)
        return CrowdResult(
            points=heads.points.astype(np.float32),
            scores=scores.astype(np.float32),
            boxes=heads.boxes.astype(np.float32),
            count=count,
            image_path=path,
            size=size,
            maps=maps,
            has_points=has_points,
            counts={
                key.removeprefix('pred_count_'): float(value)
                for key, value in sample.items()
                if key.startswith('pred_count_')
            },
            interval=None if self.intervals is None else self.intervals.of(count),
        )


def _expand(source: Source) -> list[Source]:
    """A source as images and videos, one by one."""
    if not isinstance(source, str | Path) or is_stream(source):
        return [source]
    if is_pattern(source):
        files = matching_files(str(source))
        if any(map(is_video_name, files)):
            return [file for file in files if is_video_name(file) or is_image_name(file)]
    return [source] if _is_video(source) else list_images(source)


def _is_video(source: Source) -> bool:
    if isinstance(source, int) or is_stream(source):
        return True
    return isinstance(source, str | Path) and is_video_name(source) and Path(source).is_file()


def _is_image_file(path: str | Path | int) -> bool:
    return not (isinstance(path, int) or is_pattern(path) or is_stream(path) or Path(path).is_dir() or _is_video(path))


def _intervals_of(weights: str | Path) -> CountIntervals | None:
    file = None if is_address(weights) else intervals_file(weights)
    return (
        read_intervals(file, file_sha256(Path(weights).expanduser())) if file is not None and file.is_file() else None
    )


def _load_config(config: str | Path | Config) -> Config:
    if isinstance(config, Config):
        return config
    return read_config(config)


def _rescaling(scale: float) -> list[dict]:
    """Transforms that scale an image; none for 1."""
    if scale == 1:
        return []
    how = 'area' if scale < 1 else 'bicubic'
    return [dict(type='mmcrowd.EnlargeToMinimum', factor=scale, min_size=None, multiple=1, interpolation=how)]


def inference_pipeline(cfg: Config) -> list[dict]:
    """The test pipeline for an image already in memory: nothing that loads an image or reads annotations."""
    dataset = cfg.test_dataloader.dataset
    while 'pipeline' not in dataset and 'dataset' in dataset:
        dataset = dataset.dataset
    kept = []
    for transform in dataset.pipeline:
        name = transform['type'] if isinstance(transform['type'], str) else transform['type'].__name__
        name = name.rsplit('.', 1)[-1]
        if not name.startswith('Load') and name not in _ANNOTATION_TRANSFORMS:
            kept.append(transform)
    return kept
