"""ShanghaiTech's MATLAB files: points alone, ``GT_<image>.mat`` for each image."""

from pathlib import Path

import numpy as np
from scipy.io import savemat

from mmcrowd.utils.files import is_image_name

from ..shanghaitech import read_points
from .collection import Collection, ImageBuilder, has_box


def read(path: str | Path, images: str | Path | None = None) -> Collection:
    """Read a folder of MATLAB files.

    Args:
        path: Folder of ``GT_<image>.mat``.
        images: Folder of the images; without it, they are taken to be ``<image>.jpg``.

    Raises:
        ValueError: Not such files.
        FileNotFoundError: There is none, or an image is missing.
    """
    files = sorted(Path(path).glob('GT_*.mat'))
    if not files:
        raise FileNotFoundError(f'{path}: expected a folder of files GT_<image>.mat, found none')
    made = []
    for file in files:
        name = f'{file.stem.removeprefix("GT_")}.jpg'
        if images is not None:
            found = [f for f in Path(images).glob(f'{Path(name).stem}.*') if is_image_name(f)]
            if not found:
                raise FileNotFoundError(f'{file}: no image in {images} belongs to this file')
            name = found[0].name
        builder = ImageBuilder(str(file), ['head'])
        for point in np.asarray(read_points(file)).tolist():
            builder.add('head', point=point)
        made.append(builder.build(name))
    return Collection(('head',), made)


def write(collection: Collection, path: str | Path, images: str | Path | None = None, lossy: bool = False) -> None:
    """Write points.

    Raises:
        ValueError: There are boxes, regions or several classes, and ``lossy`` is False.
    """
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    for image in collection.images:
        if not lossy and (has_box(image).any() or len(image.ignore_boxes) or image.labels.any()):
            raise ValueError(
                f'{image.img_path}: these MATLAB files hold points of one class alone; boxes, regions to ignore and '
                'other classes would be lost. Allow the loss, or write another format'
            )
        info = np.empty((1, 1), dtype=object)
        info[0, 0] = dict(location=image.points.reshape(-1, 2), number=float(len(image)))
        savemat(folder / f'GT_{Path(image.img_path).stem}.mat', dict(image_info=info))
