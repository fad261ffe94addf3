"""The version is one, and setup.py reads it without importing the package."""

import importlib.metadata
import re

import mmcrowd


def test_version_is_the_installed_one():
    assert re.fullmatch(r'\d+\.\d+\.\d+', mmcrowd.__version__)
    assert importlib.metadata.version('mmcrowd') == mmcrowd.__version__


def test_no_openmmlab_package_is_a_hard_requirement():
    hard = [r for r in importlib.metadata.requires('mmcrowd') if 'extra ==' not in r]
    names = {re.match(r'[\w-]+', r).group() for r in hard}
    assert names == {'click', 'defusedxml', 'matplotlib', 'numpy', 'pyyaml', 'rich', 'safetensors', 'scipy', 'torch'}
