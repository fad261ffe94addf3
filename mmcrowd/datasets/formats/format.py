"""What all formats have in common on reading and writing: images are named once, found, and sound."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import ModuleType

import numpy as np

from ..naming import ImageNames, require_unique, stem_of
from .collection import IGNORE, AnnotatedImage, Collection


@dataclass(frozen=True)
class Format:
    """An annotation format.

    Attributes:
        name: As users give it.
        module: Has ``read(path, images: ImageNames) -> Collection`` and, if the format can be written,
            ``write(collection, path, images=None, lossy=False)``.
        suffix: Of the annotation files, if there is one for each image; '' for a single file.
    """

    name: str
    module: ModuleType
    suffix: str = ''

    @property
    def writable(self) -> bool:
        """Whether there is a writer."""
        return hasattr(self.module, 'write')

    def read(
        self,
        path: str | Path,
        images: str | Path | None = None,
        unlisted_empty: bool = False,
        faults: list[str] | None = None,
    ) -> Collection:
        """Read annotations.

        Args:
            path: Annotation file, or folder of annotation files.
            images: Folder of the images, in which names are looked up; some formats need it.
            unlisted_empty: Take the images of the folder that have no entry as images without heads.
            faults: Gets a line about each image that is there twice or named ambiguously, instead of an error.

        Returns:
            What was read. ``unlisted`` names the images without entry that were not taken.

        Raises:
            ValueError: The files are not in this format; names file and record. An image is there twice.
            FileNotFoundError: Files are missing.
        """
        for place, what in ((path, 'annotations'), (images, 'the images')):
            if place is not None and not Path(place).exists():
                raise FileNotFoundError(f'{place}: no such file or folder, expected {what} there')
        names = ImageNames(images, faults)
        collection = self.module.read(Path(path), names)
        collection.images = names.once(collection.images, lambda image: (image.img_path, str(path)))
        used = [image.img_path for image in collection.images]
        collection.unlisted = names.unlisted([*used, *collection.unread])
        if unlisted_empty:
            collection.images += [_empty(name) for name in collection.unlisted]
            for name in collection.unlisted:
                collection.notes.add('images without an entry, taken as without heads', name)
            collection.unlisted = []
        return collection

    def write(
        self, collection: Collection, path: str | Path, images: str | Path | None = None, lossy: bool = False
    ) -> None:
        """Write annotations.

        Args:
            collection: What to write.
            path: Annotation file or folder.
            images: Folder of the images; asked for the sizes that ``collection`` does not have.
            lossy: Write also what the format cannot hold wholly.

        Raises:
            ValueError: The format cannot hold it, two images have one name or one target, or numbers are not finite.
        """
        if not self.writable:
            raise ValueError(f'{path}: {self.name} is a format that is read alone: write another one')
        require_unique((image.img_path, str(path)) for image in collection.images)
        for image in collection.images:
            require_sound(image)
            if self.name not in ('json', 'coco') and IGNORE in {collection.classes[i] for i in image.labels}:
                raise ValueError(f'{image.img_path}: heads of a class {IGNORE!r} would become regions to ignore')
        if self.suffix:
            require_targets(collection, self.suffix)
        self.module.write(collection, Path(path), images, lossy)


def require_sound(image: AnnotatedImage) -> None:
    """Refuse numbers that are not finite, and boxes turned around.

    Raises:
        ValueError: There are some; names the image.
    """
    boxes = image.boxes[~np.isnan(image.boxes).all(axis=1)]
    for what, values in (('points', image.points), ('boxes', boxes), ('ignore_boxes', image.ignore_boxes)):
        bad = ~np.isfinite(values).all(axis=1)
        if values.shape[1] == 4:
            bad |= (values[:, 2:] < values[:, :2]).any(axis=1)
        if bad.any():
            raise ValueError(
                f'{image.img_path}: expected {what} of finite numbers'
                f'{", left before right and upper before lower" if values.shape[1] == 4 else ""}, '
                f'found {values[bad][0].tolist()}'
            )


def require_targets(collection: Collection, suffix: str) -> None:
    """Refuse images that would share an annotation file, or have one out of the folder.

    Raises:
        ValueError: There are some; names two.
    """
    targets: list[tuple[str, str]] = []
    for image in collection.images:
        place = PurePosixPath(image.img_path)
        if place.is_absolute() or '..' in place.parts:
            raise ValueError(f'{image.img_path}: expected a path within the folder of the images')
        targets.append((stem_of(image.img_path) + suffix, image.img_path))
    reserved = [('classes.txt', 'the names of the classes')] if suffix == '.txt' else []
    require_unique([*reserved, *targets], 'file to write')


def _empty(name: str) -> AnnotatedImage:
    nothing = np.zeros((0, 4))
    return AnnotatedImage(name, nothing[:, :2], nothing, np.zeros(0, np.int64))
