"""Packaging of mmcrowd.

No OpenMMLab package is a hard requirement: two families of them own the same folders, see requirements/.

As mmdet's, the installed package carries configs, tools and the index of models in ``mmcrowd/.mim``, where mim and
``_base_ = 'mmcrowd::...'`` look for them. An editable install gets links.
"""

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent


class BuildWithMim(build_py):
    """Adds ``mmcrowd/.mim``."""

    shipped = ('configs', 'tools', 'model-index.yml')

    def run(self) -> None:
        super().run()
        target = (ROOT if self.editable_mode else Path(self.build_lib)) / 'mmcrowd' / '.mim'
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for name in self.shipped:
            source = ROOT / name
            if self.editable_mode:
                (target / name).symlink_to(Path('..', '..', name))
            elif source.is_dir():
                shutil.copytree(source, target / name, ignore=shutil.ignore_patterns('__pycache__'))
            else:
                shutil.copy2(source, target / name)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        added = Path(self.build_lib) / 'mmcrowd' / '.mim'
        return super().get_outputs(include_bytecode) + [str(path) for path in added.rglob('*') if path.is_file()]


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
    packages=find_packages(include=['mmcrowd', 'mmcrowd.*', 'mmcrowd_command']),
    entry_points=dict(console_scripts=['mmcrowd = mmcrowd_command.cli:main']),
    package_data={'mmcrowd': ['py.typed', 'labeling/static/*', 'zoo/*']},
    cmdclass={'build_py': BuildWithMim},
    install_requires=read_requirements('runtime'),
    extras_require={
        name: read_requirements(name)
        for name in ('docs', 'label', 'onedl', 'onnx', 'openmmlab', 'ray', 'supervision', 'tests')
    },
)
