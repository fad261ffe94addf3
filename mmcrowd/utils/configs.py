"""Config files: read in one place, with errors that name the file."""

from __future__ import annotations

from pathlib import Path

from mmengine.config import Config


def read_config(path: str | Path, options: dict | None = None) -> Config:
    """Read a config file.

    Args:
        path: The file, or ``mmcrowd::<method>/<name>.py`` for one that the installed package carries. It is a Python
            program and is executed: use configs you trust.
        options: Values by dotted key, written over the config's.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It cannot be executed as a config, or an option has no place in it.
    """
    path = config_path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no such config file')
    try:
        cfg = Config.fromfile(path)
    except Exception as error:  # whatever the program in it raises
        raise ValueError(f'{path}: cannot be read as a config ({type(error).__name__}: {error})') from error
    if options:
        try:
            cfg.merge_from_dict(options)
        except (AssertionError, IndexError, KeyError, TypeError) as error:
            raise ValueError(
                f'{path}: the options {options} do not fit it ({type(error).__name__}: {error})'
            ) from error
    return cfg


def config_path(config: str | Path) -> Path:
    """Path of a config: ``mmcrowd::fidt/x.py`` is ``mmcrowd/.mim/configs/fidt/x.py``, all else a path already."""
    package, colons, name = str(config).partition('::')
    if not colons or package != 'mmcrowd':
        return Path(config)
    return Path(__file__).parents[1] / '.mim' / 'configs' / name
