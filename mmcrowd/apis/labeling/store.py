"""The work on a page, saved so that nothing confirmed is lost and no tab overwrites another."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mmcrowd.datasets.formats import AnnotatedImage, Collection, ImageNames
from mmcrowd.datasets.formats.records import Record
from mmcrowd.datasets.readers import read_json
from mmcrowd.labeling import Estimate, MarkedImage, SceneSizes, preset_faults
from mmcrowd.utils.atomic_files import write_atomic
from mmcrowd.utils.json_files import plain
from mmcrowd.utils.pictures import image_size

from .batch import Labelled, label_collection
from .sources import SCENES, same_files, scene_of

MOST_HEADS = 200_000
"""Heads of one image that are saved at most: more are no annotation."""


class Conflict(ValueError):
    """Somebody else has saved since."""


@dataclass
class State:
    """What is known of one image.

    Attributes:
        revision: How often it was saved.
        points: (N, 2) float64 xy, pixels.
        boxes: (N, 4) float64 xyxy boxes that were annotated or corrected by hand, NaN where the box is interpolated.
        presets: (K, 4) float64 xyxy.
        done: Somebody has looked at it and is content.
    """

    revision: int
    points: np.ndarray
    boxes: np.ndarray
    presets: np.ndarray
    done: bool = False

    def to_json(self) -> dict:
        """As the page and the files have it; numbers rounded to a hundredth of a pixel."""
        boxes = [None if np.isnan(box).any() else box.round(2).tolist() for box in self.boxes]
        points, presets = self.points.round(2).tolist(), self.presets.round(2).tolist()
        return dict(revision=self.revision, points=points, boxes=boxes, presets=presets, done=self.done)

    @classmethod
    def from_json(cls, content: object, source: str, revision: int | None = None) -> State:
        """Read what :meth:`to_json` made, or a page sent.

        Raises:
            ValueError: It is something else; says what was expected.
        """
        record = Record(content, source)
        points = _rows(record['points'], 2)
        boxes = _rows(record['boxes'], 4, null=True)
        presets = _rows(record['presets'], 4)
        if len(boxes) != len(points):
            raise record['boxes'].error(f'a box or null for each of {len(points)} points', f'{len(boxes)}')
        number = record['revision'].number() if revision is None else revision
        done = record.get('done')
        return cls(int(number), points, boxes, presets, bool(done is not None and done.value is True))


def _rows(record: Record, columns: int, null: bool = False) -> np.ndarray:
    if isinstance(record.value, list) and len(record.value) > MOST_HEADS:
        raise record.error(f'at most {MOST_HEADS} rows', f'{len(record.value)}')
    table = record.table(columns, null)
    turned = (table[:, 2:] <= table[:, :2]).any(axis=1) if columns == 4 else np.zeros(len(table), bool)
    if turned.any():
        raise record.each('row')[int(turned.argmax())].error('a box x1, y1, x2, y2 with an area')
    return table


class LabelStore:
    """Images of a folder, and what was drawn on them.

    Each image that was worked on has a file ``<image>.json`` in the work dir, written whole at every change; the others
    have the heads they came with.

    Args:
        folder: Of the images.
        heads: Points, and boxes where there are; None starts with bare images.
        presets: Image -> (K, 4) drawn boxes.
        work_dir: Where the work is saved; made when the first change is.
        scenes: Which images share their presets; what was chosen on the page goes first.
        method: See :data:`mmcrowd.labeling.METHODS`.

    Attributes:
        notes: A line about each thing that is wrong with what the work starts from.

    Raises:
        FileNotFoundError: There is no image.
    """

    def __init__(
        self,
        folder: str | Path,
        heads: Collection | None = None,
        presets: dict[str, np.ndarray] | None = None,
        work_dir: str | Path | None = None,
        scenes: str = 'image',
        method: str = 'combined',
    ) -> None:
        self.folder = Path(folder)
        self.work_dir = Path(work_dir) if work_dir is not None else self.folder / '.labels'
        self.names = ImageNames(self.folder).listing
        if not self.names:
            raise FileNotFoundError(f'{folder}: expected a folder of images, found none in it')
        self.classes = heads.classes if heads is not None else ('head',)
        self._given = {image.img_path: image for image in heads.images} if heads is not None else {}
        self._presets, self._method = dict(presets or {}), method
        self._known, self._states = set(self.names), {}
        same = same_files(self.folder, self.names)
        self.notes = [f'{name}: the same file as {other}' for name, other in same.items()]
        for what, given in (('heads', self._given), ('presets', self._presets)):
            strange = [name for name in given if name not in self._known]
            self.notes += [f'{name}: {len(given[name])} {what}, and no such image; left out' for name in strange]
        self._lock = threading.RLock()
        settings = self.work_dir / 'settings.json'
        self._scenes = read_json(settings).get('scenes', scenes) if settings.is_file() else scenes

    @property
    def scenes(self) -> str:
        """Which images share their presets, one of :data:`~mmcrowd.apis.labeling.sources.SCENES`."""
        return self._scenes

    @scenes.setter
    def scenes(self, value: str) -> None:
        if value not in SCENES:
            raise ValueError(f'scenes must be one of {SCENES}, found {value!r}')
        self._scenes = value
        write_atomic(self.work_dir / 'settings.json', json.dumps(dict(scenes=value)).encode())

    def path(self, name: str) -> Path:
        """The file of an image.

        Raises:
            KeyError: There is no such image in the folder: nothing else is ever opened.
        """
        if name not in self._known:
            raise KeyError(f'{name}: no such image')
        return self.folder / name

    def size(self, name: str) -> tuple[int, int]:
        """(width, height) of an image. Raises as :func:`mmcrowd.utils.pictures.image_size`."""
        return image_size(self.path(name))

    def _file(self, name: str) -> Path:
        return self.work_dir / 'images' / f'{name}.json'

    def read(self, name: str) -> State:
        """What is known of an image.

        Raises:
            KeyError: There is no such image.
            ValueError: Its file is damaged.
        """
        self.path(name)
        file = self._file(name)
        with self._lock:
            stamp = file.stat().st_mtime_ns if file.is_file() else None
            if name not in self._states or self._states[name][0] != stamp:
                state = self._first(name) if stamp is None else State.from_json(read_json(file), str(file))
                self._states[name] = stamp, state
            return self._states[name][1]

    def _first(self, name: str) -> State:
        nothing = np.zeros((0, 4))
        given = self._given.get(name)
        presets = self._sound(name) if name in self._presets else nothing
        if given is None:
            return State(0, nothing[:, :2], nothing, presets)
        return State(0, given.points, given.boxes, presets)

    def _sound(self, name: str) -> np.ndarray:
        """The presets that the image came with, without those that are of no use; these are noted."""
        try:
            faults = preset_faults(self._presets[name], self.size(name))
        except (OSError, ValueError):  # which is said when the image is opened
            return self._presets[name]
        self.notes += [f'{name}: preset {row} {fault}; left out' for row, fault in faults.items()]
        self._presets[name] = np.delete(self._presets[name], list(faults), axis=0)
        return self._presets[name]

    def save(self, name: str, content: object, force: bool = False) -> State:
        """Save what a page sends, if it knows the last revision.

        Args:
            name: Of the image.
            content: As :meth:`State.to_json`.
            force: Save whatever the revision.

        Raises:
            KeyError: There is no such image.
            ValueError: It is not what a page sends, or presets have :func:`~mmcrowd.labeling.preset_faults`.
            Conflict: The image was saved since.
        """
        sent = State.from_json(content, name)
        for row, fault in preset_faults(sent.presets, self.size(name)).items():
            raise ValueError(f'{name}: preset {row} {fault}')
        with self._lock:
            last = self.read(name).revision
            if sent.revision != last and not force:
                raise Conflict(f'{name} was changed in another tab: revision {last}, expected {sent.revision}')
            return self._write(name, sent, last + 1)

    def _write(self, name: str, state: State, revision: int) -> State:
        content = dict(state.to_json(), revision=revision)
        write_atomic(self._file(name), json.dumps(plain(content)).encode())
        return self.read(name)

    def add_presets(self, name: str, boxes: np.ndarray) -> int:
        """Add presets (K, 4) xyxy without :func:`~mmcrowd.labeling.preset_faults` to an image, but those that it has.

        Returns:
            How many were new.

        Raises:
            KeyError: There is no such image.
        """
        with self._lock:
            state = self.read(name)
            have = set(map(tuple, state.presets.round(2).tolist()))
            new = [box for box in dict.fromkeys(map(tuple, np.round(boxes, 2).tolist())) if box not in have]
            if new:
                presets = np.concatenate([state.presets, np.array(new)])
                self._write(name, replace(state, presets=presets), state.revision + 1)
            return len(new)

    def _annotated(self, name: str) -> AnnotatedImage:
        state, given = self.read(name), self._given.get(name)
        extra = {} if given is None else dict(given.extra)
        labels = np.zeros(len(state.points), np.int64)
        if given is not None and len(given.labels):
            labels = _labels_of(state.points, given)
        ignore = given.ignore_boxes if given is not None else np.zeros((0, 4))
        return AnnotatedImage(name, state.points, state.boxes.copy(), labels, ignore, extra=extra)

    def scene(self, name: str) -> list[str]:
        """The images that share presets with this one."""
        if self.scenes == 'image':
            return [name]
        mine = scene_of(self._stub(name), self.scenes)
        return [other for other in self.names if scene_of(self._stub(other), self.scenes) == mine]

    def _stub(self, name: str) -> AnnotatedImage:
        given, nothing = self._given.get(name), np.zeros((0, 4))
        return given or AnnotatedImage(name, nothing[:, :2], nothing, np.zeros(0, np.int64))

    def estimate(self, name: str, presets: np.ndarray | None = None) -> tuple[Estimate | None, dict]:
        """Boxes of an image from the presets of its scene.

        Args:
            name: Of the image.
            presets: (K, 4) as they are just being drawn; None takes the saved ones.

        Returns:
            The boxes, those corrected by hand among them; None if the scene has no preset. And what to show beside:
            ``presets`` of the scene, ``error`` and ``outliers`` (of this image's presets), ``suggested`` heads.
        """
        state = self.read(name)
        presets = state.presets if presets is None else presets
        presets = np.delete(presets, list(preset_faults(presets, self.size(name))), axis=0)
        mine = MarkedImage(state.points, presets, self.size(name))
        marked = [mine]
        for other in self.scene(name):
            if other != name and len(self.read(other).presets):
                theirs = self.read(other)
                marked.append(MarkedImage(theirs.points, theirs.presets, self.size(other)))
        scene = SceneSizes([image for image in marked if len(image.presets)], self._method)
        heads, left = scene.suggest(mine, 3)
        errors = np.abs(scene.errors)
        facts = dict(
            presets=scene.presets,
            error=float(errors.mean()) if scene.presets > 1 else None,
            outliers=np.flatnonzero(scene.outliers[: len(presets)]).tolist(),
            suggested=heads.tolist(),
            left=left.round(3).tolist(),
            shares=scene.shares,
        )
        if not scene.presets:
            return None, facts
        made = scene.estimate(mine)
        own = ~np.isnan(state.boxes).any(axis=1)
        made.boxes[own], made.deviation[own], made.extrapolated[own] = state.boxes[own], 0, False
        return made, facts

    def label(self) -> Labelled:
        """All images that have heads or were worked on, with boxes; see :func:`label_collection`."""
        images = [self._annotated(name) for name in self.names if name in self._given or self._file(name).is_file()]
        presets = {image.img_path: self.read(image.img_path).presets for image in images}
        presets = {name: boxes for name, boxes in presets.items() if len(boxes)}
        return label_collection(Collection(self.classes, images), self.folder, presets, self.scenes, self._method)

    def listing(self) -> list[dict]:
        """A row per image, for the list of the page."""
        rows = []
        for name in self.names:
            state = self.read(name)
            rows.append(
                dict(
                    name=name,
                    heads=len(state.points),
                    presets=len(state.presets),
                    done=state.done,
                    revision=state.revision,
                )
            )
        return rows


def _labels_of(points: np.ndarray, given: AnnotatedImage) -> np.ndarray:
    """Classes of points: those of the annotation where the point is one of it, else the first."""
    known = {tuple(point): label for point, label in zip(given.points.round(2).tolist(), given.labels, strict=True)}
    return np.array([known.get(tuple(point), 0) for point in points.round(2).tolist()], np.int64)
