"""What mmcrowd needs around it, checked at import and said in one sentence.

Nothing here may import torch, mmengine, mmcv or mmdet at module level: their absence is what this file reports.
"""

import contextlib
import importlib
import importlib.metadata
import importlib.util
import io
import re
import sys
import warnings
from dataclasses import dataclass

MMDET_SUBPACKAGES = ('datasets', 'engine', 'evaluation', 'models', 'structures', 'visualization')
_IMPORT_NOISE = 'Could not import OneDL'


@dataclass(frozen=True)
class Requirement:
    """A package, the oldest version that works and the newest that was tested.

    Args:
        module: Name to import.
        distributions: Names it is installed under, the preferred one first.
        minimum: Oldest accepted version.
        tested: Newest tested version. Only its major and minor number are compared.
        install: Command that installs the preferred distribution.
    """

    module: str
    distributions: tuple[str, ...]
    minimum: str
    tested: str
    install: str


TORCH = Requirement('torch', ('torch',), '2.6', '2.13.0', 'pip install torch')
MMENGINE = Requirement(
    'mmengine', ('onedl-mmengine', 'mmengine'), '0.10.7', '0.10.12', 'pip install onedl-mmengine==0.10.12'
)
MMCV = Requirement(
    'mmcv',
    ('onedl-mmcv', 'mmcv'),
    '2.1.0',
    '2.3.6',
    'pip install --no-build-isolation --no-cache-dir onedl-mmcv==2.3.6',
)
MMDET = Requirement('mmdet', ('onedl-mmdetection', 'mmdet'), '3.3.0', '3.5.1', 'pip install onedl-mmdetection==3.5.1')
REQUIREMENTS = (TORCH, MMENGINE, MMCV, MMDET)


def parse_version(version: str) -> tuple[int, ...]:
    """Release numbers of a version: ``'2.13.0+cpu'`` -> ``(2, 13, 0)``.

    Raises:
        ValueError: If the version does not begin with a number.
    """
    match = re.match(r'\d+(\.\d+)*', version)
    if match is None:
        raise ValueError(f'a version begins with a number, found {version!r}')
    return tuple(int(part) for part in match.group().split('.'))


def installed_distributions(requirement: Requirement) -> dict[str, str]:
    """Installed distributions that provide the package: name -> version, the preferred one first."""
    found = {}
    for name in requirement.distributions:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def check_package(requirement: Requirement) -> None:
    """Check that a package is there, new enough, and not newer than tested.

    Raises:
        ImportError: If it is missing or older than the minimum; the message names the package, what was found, what
            is required and the command that mends it.

    Warns:
        UserWarning: If it is newer than tested, or installed twice under two names.
    """
    if importlib.util.find_spec(requirement.module) is None:
        raise ImportError(
            f'mmcrowd needs {requirement.module} >= {requirement.minimum}, but it is not installed; '
            f'install it with: {requirement.install}'
        )
    found = installed_distributions(requirement)
    if len(found) > 1:
        both = ' and '.join(f'{name} {version}' for name, version in found.items())
        warnings.warn(
            f'{both} are both installed and overwrite each other; remove both with '
            f'"pip uninstall {" ".join(found)}", then: {requirement.install}',
            stacklevel=3,
        )
    # A source tree on PYTHONPATH has no metadata, but knows its version.
    name, version = next(iter(found.items()), (requirement.module, None))
    version = version or importlib.import_module(requirement.module).__version__
    if parse_version(version) < parse_version(requirement.minimum):
        fix = requirement.install if name == requirement.distributions[0] else f'pip install -U {name}'
        raise ImportError(
            f'mmcrowd needs {requirement.module} >= {requirement.minimum}, but found {name} {version}; '
            f'update it with: {fix}'
        )
    if parse_version(version)[:2] > parse_version(requirement.tested)[:2]:
        warnings.warn(
            f'mmcrowd is tested with {requirement.module} up to {requirement.tested}, found {name} {version}; '
            'if something breaks, try the tested version first',
            stacklevel=3,
        )


def check_mmcv_ops() -> None:
    """Check that mmcv came with its compiled ops, which mmdet cannot be imported without.

    Raises:
        ImportError: If ``mmcv._ext`` is missing (pip builds mmcv without ops, in silence, when torch is not visible to
            the build) or cannot be loaded (it was compiled for another torch).
    """
    importlib.import_module('torch')  # the extension links against torch's libraries
    try:
        importlib.import_module('mmcv._ext')
    except ImportError as error:
        raise ImportError(
            f'mmcrowd needs mmcv with its compiled ops, but mmcv._ext cannot be loaded ({error}); '
            f'with torch installed, rebuild it with: pip uninstall -y onedl-mmcv mmcv && {MMCV.install}'
        ) from error


def check_environment() -> None:
    """Check torch, mmengine, mmcv (and its ops) and mmdet, in this order: each one needs those before it.

    Raises:
        ImportError: At the first package that is missing, too old or without its ops.
    """
    for requirement in REQUIREMENTS:
        check_package(requirement)
        if requirement is MMCV:
            check_mmcv_ops()


def import_mmdet() -> None:
    """Import mmdet's subpackages, so that everything mmdet registers is reachable from mmcrowd's registries.

    A child registry looks into its parent but does not import the parent's modules. What every import of mmdet says
    about optional packages is dropped; anything else that is printed is passed on.
    """
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.filterwarnings('ignore', message='faster_coco_eval is not installed')
        for name in MMDET_SUBPACKAGES:
            importlib.import_module(f'mmdet.{name}')
    kept = [line for line in printed.getvalue().splitlines(keepends=True) if _IMPORT_NOISE not in line]
    sys.stdout.write(''.join(kept))
