"""Packaging of mmcrowd.

No OpenMMLab package is a hard requirement: two families of them own the same folders, see requirements/.
"""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent


def read_requirements(name: str) -> list[str]:
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text(encoding='utf-8').splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith('#')]


def read_version() -> str:
    return re.search(r"__version__ = '(.+?)'", (ROOT / 'mmcrowd/version.py').read_text(encoding='utf-8')).group(1)


readme = ROOT / 'README.md'
setup(
    name='mmcrowd',
    version=read_version(),
    description='Crowd counting and localization for MMDetection',
    long_description=readme.read_text(encoding='utf-8') if readme.exists() else '',
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    python_requires='>=3.10',
    packages=find_packages(include=['mmcrowd', 'mmcrowd.*']),
    install_requires=read_requirements('runtime'),
    extras_require={name: read_requirements(name) for name in ('onedl', 'openmmlab', 'tests')},
)
