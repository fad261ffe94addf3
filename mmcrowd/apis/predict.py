"""Images or a folder of them to overlay pictures and files of heads: the body of ``tools/predict.py``."""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
from mmengine.logging import print_log

from mmcrowd.utils.pictures import ImageReadError

from .images import list_images
from .inferencer import CrowdInferencer
from .result import CrowdResult, save_results


def predict_folder(
    crowd: CrowdInferencer, images: str | Path, out_dir: str | Path, with_boxes: bool = False
) -> tuple[list[CrowdResult], list[str]]:
    """Predict an image or a folder, and write pictures and numbers.

    Args:
        crowd: The model.
        images: An image file or a folder of images.
        out_dir: Gets one overlay picture per image, named as the image with ``.jpg``, and the files of
            :func:`save_results`. Made if needed; files of the same names are replaced.
        with_boxes: Whether the boxes are drawn too.

    Returns:
        The results, and a message for every file that is not a readable image; these are logged and left out.

    Raises:
        FileNotFoundError: Nothing is at ``images``.
        ValueError: A picture would replace an input image.
        OSError: A picture cannot be written.
        ImageReadError: No file at all is a readable image.
    """
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    results, failures = [], []
    paths = list_images(images)
    names = _picture_names(paths)
    taken = {Path(path).resolve() for path in paths} & {(out_dir / name).resolve() for name in names.values()}
    if taken:
        raise ValueError(
            f'{taken.pop()}: the picture would replace an input image, choose another folder than {out_dir}'
        )
    for path in paths:
        try:
            result = crowd.predict(path)
        except ImageReadError as error:
            print_log(f'{error}. It is left out.', 'current', logging.ERROR)
            failures.append(str(error))
            continue
        picture = out_dir / names[path]
        if not cv2.imwrite(str(picture), result.draw(with_boxes=with_boxes), [cv2.IMWRITE_JPEG_QUALITY, 92]):
            raise OSError(f'{picture}: the picture could not be written')
        results.append(result)
    if not results:
        raise ImageReadError(failures[0] if len(failures) == 1 else f'{images}: none of its files is a readable image')
    save_results(results, out_dir)
    return results, failures


def _picture_names(paths: list[str]) -> dict[str, str]:
    """File names of the pictures: the stem, or the whole name where two images share a stem."""
    stems = [Path(path).stem for path in paths]
    return {
        path: f'{stem if stems.count(stem) == 1 else Path(path).name}.jpg'
        for path, stem in zip(paths, stems, strict=True)
    }
