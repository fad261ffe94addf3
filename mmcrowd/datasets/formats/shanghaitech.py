"""ShanghaiTech's MATLAB files: points alone, ``GT_<image>.mat`` for each image."""

from pathlib import Path

import numpy as np
from scipy.io import savemat

from ..layout import annotation_files
from ..naming import ImageNames
from ..readers import mat_points
from .collection import Collection, file_for, require_points
from .gathering import Gatherer


def read(path: Path, images: ImageNames) -> Collection:
    """Read a folder of MATLAB files ``GT_<image>.mat``; without the folder of the images, they are ``<image>.jpg``.

    Raises:
        ValueError: Not such files.
        FileNotFoundError: There is none, or an image is missing.
    """
    gathered = Gatherer(path, images, ['head'])
    root, files = annotation_files(path, '.mat', 'MATLAB', prefix='GT_')
    for file in files:
        stem = file.relative_to(root).with_name(file.stem.removeprefix('GT_')).as_posix()
        builder = gathered.image(str(file), images.find_stem(str(file), stem))
        for number, point in enumerate(mat_points(file, 'image_info', 'location').tolist()):
            builder.add('head', point=point, source=f'{file}, point {number}')
    return gathered.collection()


def write(collection: Collection, path: str | Path, images: str | Path | None = None, lossy: bool = False) -> None:
    """Write points.

    Raises:
        ValueError: There are boxes, regions or several classes, and ``lossy`` is False.
    """
    require_points(collection.images, 'these MATLAB files hold', lossy)
    for image in collection.images:
        info = np.empty((1, 1), dtype=object)
        info[0, 0] = dict(location=image.points.reshape(-1, 2), number=float(len(image)))
        savemat(file_for(image, path, '.mat', 'GT_'), dict(image_info=info))
