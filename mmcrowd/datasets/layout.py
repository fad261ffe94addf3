"""Finding a data set's files in the folders it was unpacked to."""

from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import TypeVar

from mmcrowd.utils.files import IMAGE_SUFFIXES, is_hidden, is_image_name

Key = TypeVar('Key', bound=Hashable)


def own_folder(data_root: str | Path, *names: str) -> Path:
    """The data set's own folder: the first of ``names`` that is in ``data_root``, else ``data_root`` itself."""
    return next((Path(data_root) / name for name in names if (Path(data_root) / name).is_dir()), Path(data_root))


def existing_folder(parent: str | Path, *names: str) -> Path:
    """The first folder of ``names`` that is in ``parent``.

    Raises:
        FileNotFoundError: None is.
    """
    for name in names:
        if (Path(parent) / name).is_dir():
            return Path(parent) / name
    raise FileNotFoundError(f'{parent}: expected a folder named {" or ".join(names)} in it, found none')


def existing_file(parent: str | Path, *names: str) -> Path:
    """The first file of ``names`` that is in ``parent``.

    Raises:
        FileNotFoundError: None is.
    """
    for name in names:
        if (Path(parent) / name).is_file():
            return Path(parent) / name
    raise FileNotFoundError(f'{parent}: expected a file named {" or ".join(names)} in it, found none')


def number_of(path: Path, ending: str = '') -> int:
    """The number at the end of a file's name, before ``ending``.

    Raises:
        ValueError: There is none.
    """
    stem = path.stem.removesuffix(ending)
    digits = stem[len(stem.rstrip('0123456789')) :]
    if not digits:
        raise ValueError(
            f'{path}: expected a file name with a number at its end{f", before {ending}" if ending else ""}'
        )
    return int(digits)


def files_by(key: Callable[[Path], Key], paths: Iterable[Path]) -> dict[Key, Path]:
    """Files by their key, in the order given.

    Raises:
        ValueError: Two files have one key; names both.
    """
    found: dict[Key, Path] = {}
    for path in paths:
        other = found.setdefault(key(path), path)
        if other != path:
            raise ValueError(f'{path}: expected one file for {key(path)!r}, found {other} beside it')
    return found


def image_files(folder: str | Path) -> dict[str, Path]:
    """Image files in ``folder`` by name without suffix, in the order of their names.

    Raises:
        FileNotFoundError: The folder does not exist, or holds no image.
        ValueError: Two images differ in their suffix only.
    """
    folder, found = Path(folder), {}
    if not folder.is_dir():
        raise FileNotFoundError(f'{folder}: folder not found, expected it to hold images')
    for path in sorted(folder.iterdir()):
        if not is_image_name(path):
            continue
        if path.stem in found:
            raise ValueError(f'{path}: expected images of different names, found {found[path.stem].name} beside it')
        found[path.stem] = path
    if not found:
        raise FileNotFoundError(f'{folder}: expected images ({", ".join(IMAGE_SUFFIXES)}) in this folder, found none')
    return found


def annotation_files(path: str | Path, suffix: str, what: str, prefix: str = '') -> tuple[Path, list[Path]]:
    """Annotation files of one kind in a folder and below it, sorted; hidden ones are passed over.

    Args:
        path: The folder, or one such file.
        suffix: Of the files, in any letter case.
        what: Named in errors.
        prefix: Of the files.

    Returns:
        The folder, and the files.

    Raises:
        FileNotFoundError: There is none.
    """
    path = Path(path)
    if path.is_file():
        return path.parent, [path]
    found = [
        file
        for file in sorted(path.rglob('*'))
        if file.suffix.lower() == suffix
        and file.name.startswith(prefix)
        and not is_hidden(file.relative_to(path))
        and file.is_file()
    ]
    if not found:
        raise FileNotFoundError(f'{path}: expected a folder of {what} files, found no {prefix}*{suffix} in it')
    return path, found
