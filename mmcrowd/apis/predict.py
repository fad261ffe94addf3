"""Images, folders and patterns of them to overlay pictures and files of heads: the body of ``tools/predict.py``."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from mmengine.logging import print_log

from mmcrowd.utils.files import picture_names, printable
from mmcrowd.utils.json_files import write_json
from mmcrowd.utils.pictures import ImageReadError, write_image

from .batches import predict_files
from .images import describe, look_into
from .inferencer import CrowdInferencer
from .result import CrowdResult, count_text
from .result_files import ResultFiles, read_rows


def predict_folder(
    crowd: CrowdInferencer,
    images: str | Path | Sequence[str | Path],
    out_dir: str | Path,
    styles: Sequence[str] | None = None,
    pictures: bool = True,
    resume: bool = False,
) -> tuple[list[CrowdResult], list[str]]:
    """Predict an image or a folder, and write pictures and numbers.

    The numbers of an image are on disk before the next one is read, with a ``crowd.batch_size`` those of a batch before
    the next. A picture is read once; its heads are found and drawn in the memory that its pixels take.

    Args:
        crowd: The model.
        images: An image file, a folder of images or a pattern (:func:`mmcrowd.apis.list_images`), or several of these.
        out_dir: Gets one overlay picture per image, named by :func:`mmcrowd.utils.files.picture_names`, the files of
            :class:`mmcrowd.apis.ResultFiles`, and ``run.json``, which tells whether a run can be resumed. Made if
            needed; files of the same names are replaced.
        styles: What the pictures show, as for :meth:`mmcrowd.apis.CrowdResult.draw`.
        pictures: Whether overlay pictures are written.
        resume: Go on with what is in ``out_dir``: only images that have no numbers there are predicted.

    Returns:
        The results, with those of the run that is resumed, and a message for every image that could not be read or did
        not fit into memory; these are logged and left out.

    Raises:
        FileNotFoundError: Nothing is at ``images``.
        ValueError: A picture would replace an input image, or another model or threshold began the run to be resumed.
        OSError: A picture or the numbers cannot be written.
        ImageReadError: No file at all is a readable image.
    """
    paths = list_all([images] if isinstance(images, str | Path) else images)
    out_dir = Path(out_dir)
    names = picture_names(paths)
    _keep_inputs(paths, out_dir, names)
    make_folder(out_dir)
    rows = _rows_to_keep(crowd, paths, out_dir) if resume else []
    done = {row['image'] for row in rows}
    write_run(crowd, out_dir)
    files = ResultFiles(out_dir, rows)
    results, failures = [CrowdResult.from_dict(row) for row in rows], []
    waiting = [path for path in paths if printable(path) not in done]
    progress = Progress(len(waiting))
    for picture, why in predict_files(crowd, waiting, keep_pixels=pictures):
        if why:
            failures.append(why)
            if len(paths) > 1:
                print_log(f'{why}. It is left out.', 'current', logging.WARNING)
            progress.step()
            continue
        if pictures:
            drawn = picture.result.draw(picture.pixels, styles, copy=False)
            write_image(out_dir / names[picture.path], drawn)
            picture.pixels = drawn = None  # before others are read
        files.add(picture.result)
        results.append(picture.result)
        progress.step(picture.result.count)
    if not results:
        first = printable(images if isinstance(images, str | Path) else images[0])
        message = f'{first}: none of its files is a readable image'
        raise ImageReadError(failures[0] if len(failures) == 1 else message)
    return results, failures


def list_all(sources: Sequence[str | Path]) -> list[str]:
    """The images of all sources, each once; what a folder or a pattern leaves out is logged."""
    paths = []
    for source in sources:
        found, left_out = look_into(source)
        paths += found
        if left_out:
            print_log(f'{printable(source)}: {describe(left_out)} left out', 'current', logging.WARNING)
    return list(dict.fromkeys(paths))


def _keep_inputs(paths: list[str], out_dir: Path, names: dict[str, str]) -> None:
    if out_dir.resolve() not in {folder.resolve() for folder in {Path(path).parent for path in paths}}:
        return
    taken = {Path(path).name for path in paths} & set(names.values())
    if taken:
        raise ValueError(
            f'{printable(out_dir / min(taken))}: the picture would replace an input image, choose another folder than '
            f'{printable(out_dir)}'
        )


def make_folder(out_dir: Path) -> None:
    """Make a folder for results, with those above it.

    Raises:
        NotADirectoryError: A file is in its place, or of one above.
    """
    file = next((path for path in (out_dir, *out_dir.parents) if path.exists() and not path.is_dir()), None)
    if file is not None:
        raise NotADirectoryError(f'{printable(file)}: expected a folder for the results, found a file: name another')
    out_dir.mkdir(parents=True, exist_ok=True)


def write_run(crowd: CrowdInferencer, out_dir: Path) -> None:
    """Write down what made the results of a folder."""
    write_json(out_dir / 'run.json', crowd.identity())


def _rows_to_keep(crowd: CrowdInferencer, paths: list[str], out_dir: Path) -> list[dict]:
    rows = read_rows(out_dir)
    if not rows:
        return []
    check_same_run(crowd, out_dir)
    wanted = set(map(printable, paths))
    kept = [row for row in rows if row['image'] in wanted]
    if len(kept) < len(rows):
        gone = len(rows) - len(kept)
        print_log(f'{printable(out_dir)}: {gone} results of images that are gone dropped', 'current', logging.WARNING)
    return kept


def check_same_run(crowd: CrowdInferencer, out_dir: Path) -> None:
    """Refuse to go on with results of another model, other weights, another threshold or scale.

    Raises:
        ValueError: They are, or nothing says what made them.
    """
    try:
        before = json.loads((out_dir / 'run.json').read_text())
    except (OSError, ValueError):
        before = {}
    for what, value in crowd.identity().items():
        if before.get(what) != value:
            raise ValueError(
                f'{printable(out_dir)}: its numbers were made with another {what.replace("_", " ")} '
                f'({before.get(what, "unknown")}, now {value}): choose another folder, or begin anew without resuming'
            )


class Progress:
    """A line on stderr that says how far a run is: written over on a terminal, else every half minute."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.heads = total, 0, 0.0
        self.start = self.said = time.monotonic()

    def step(self, heads: float = 0, images: int = 1) -> None:
        """Some more images are done, and had so many heads in all."""
        self.done, self.heads, now = self.done + images, self.heads + heads, time.monotonic()
        terminal, last = sys.stderr.isatty(), self.done == self.total
        if now - self.said < (0.2 if terminal else 30) and not (last and terminal):
            return
        self.said, each = now, (now - self.start) / self.done
        text = f'{self.done:,} of {self.total:,} images, {count_text(self.heads)} heads, {each:.2f} s per image'
        sys.stderr.write(f'\r{text}{"" if not last else chr(10)}' if terminal else f'{text}\n')
        sys.stderr.flush()
