"""What the import of mmcrowd says about its surroundings."""

import builtins
import importlib
import importlib.metadata
import importlib.util
import re
import subprocess
import sys
import warnings

import pytest

from mmcrowd.utils import compat


@pytest.fixture
def installed(monkeypatch):
    """Pretend that these distributions, and no others, are installed: name -> version."""
    versions = {
        'torch': '2.13.0+cpu',
        'onedl-mmengine': '0.10.12',
        'onedl-mmcv': '2.3.6',
        'onedl-mmdetection': '3.5.1',
    }

    def version(name):
        if name not in versions:
            raise importlib.metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(importlib.metadata, 'version', version)
    return versions


@pytest.mark.parametrize(
    ('text', 'numbers'),
    [('2.13.0+cpu', (2, 13, 0)), ('2.0.0rc4', (2, 0, 0)), ('3', (3,)), ('0.10.12.post1', (0, 10, 12))],
)
def test_parse_version(text, numbers):
    assert compat.parse_version(text) == numbers


def test_parse_version_refuses_words():
    with pytest.raises(ValueError, match=r"found 'unknown'"):
        compat.parse_version('unknown')


def test_this_environment_is_fine():
    compat.check_environment()


def test_tested_versions_are_silent(installed):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        for requirement in compat.REQUIREMENTS:
            compat.check_package(requirement)


@pytest.mark.parametrize('requirement', compat.REQUIREMENTS, ids=lambda r: r.module)
def test_floors_are_those_of_the_requirements(requirement, repo_root):
    files = [repo_root / 'requirements' / f'{name}.txt' for name in ('runtime', 'openmmlab')]
    promised = dict(re.findall(r'^([\w-]+)>=([\d.]+)', '\n'.join(f.read_text() for f in files), re.MULTILINE))
    assert requirement.minimum == promised[requirement.distributions[-1]]


@pytest.mark.parametrize('requirement', compat.REQUIREMENTS, ids=lambda r: r.module)
def test_missing(monkeypatch, requirement):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(ImportError) as error:
        compat.check_package(requirement)
    message = str(error.value)
    assert f'{requirement.module} >= {requirement.minimum}, but it is not installed' in message
    assert message.endswith(requirement.install)


@pytest.mark.parametrize(
    ('requirement', 'distribution', 'old', 'fix'),
    [
        (compat.TORCH, 'torch', '2.5.1', 'pip install torch'),
        (compat.MMENGINE, 'onedl-mmengine', '0.10.6', 'pip install onedl-mmengine==0.10.12'),
        (compat.MMCV, 'onedl-mmcv', '2.0.1', 'pip install --no-build-isolation --no-cache-dir onedl-mmcv==2.3.6'),
        (compat.MMDET, 'onedl-mmdetection', '3.2.0', 'pip install onedl-mmdetection==3.5.1'),
    ],
)
def test_too_old(installed, requirement, distribution, old, fix):
    installed[distribution] = old
    with pytest.raises(ImportError) as error:
        compat.check_package(requirement)
    message = str(error.value)
    assert f'{requirement.module} >= {requirement.minimum}, but found {distribution} {old}' in message
    assert message.endswith(fix)


def test_too_old_original_family_is_updated_within_its_family(installed):
    del installed['onedl-mmdetection']
    installed['mmdet'] = '3.0.0'
    with pytest.raises(ImportError, match=r'found mmdet 3\.0\.0; update it with: pip install -U mmdet$'):
        compat.check_package(compat.MMDET)


def test_original_family_is_accepted(installed):
    installed.clear()
    installed.update({'torch': '2.13.0', 'mmengine': '0.10.7', 'mmcv': '2.1.0', 'mmdet': '3.3.0'})
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        for requirement in compat.REQUIREMENTS:
            compat.check_package(requirement)


@pytest.mark.parametrize(
    ('distribution', 'new'), [('torch', '2.14.0'), ('onedl-mmcv', '2.4.0'), ('onedl-mmdetection', '4.0.0')]
)
def test_newer_than_tested_warns(installed, distribution, new):
    installed[distribution] = new
    requirement = next(r for r in compat.REQUIREMENTS if distribution in r.distributions)
    with pytest.warns(
        UserWarning, match=f'tested with {requirement.module} up to {requirement.tested}, found {distribution} {new}'
    ):
        compat.check_package(requirement)


def test_patch_release_above_the_tested_one_is_silent(installed):
    installed['torch'] = '2.13.9'
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        compat.check_package(compat.TORCH)


def test_two_families_at_once_warn(installed):
    installed['mmcv'] = '2.1.0'
    with pytest.warns(
        UserWarning, match=r'onedl-mmcv 2\.3\.6 and mmcv 2\.1\.0 are both installed and overwrite each other'
    ):
        compat.check_package(compat.MMCV)


def test_source_tree_without_metadata_tells_its_own_version(installed):
    installed.clear()
    compat.check_package(compat.MMENGINE)


def test_mmcv_without_ops(monkeypatch):
    real_import = importlib.import_module

    def import_without_ops(name, package=None):
        if name == 'mmcv._ext':
            raise ModuleNotFoundError("No module named 'mmcv._ext'")
        return real_import(name, package)

    monkeypatch.setattr(importlib, 'import_module', import_without_ops)
    with pytest.raises(
        ImportError, match=r'compiled ops, but mmcv\._ext cannot be loaded .* --no-build-isolation --no-cache-dir'
    ):
        compat.check_environment()


def test_import_mmdet_passes_on_what_it_does_not_know(monkeypatch, capsys):
    def noisy_import(name, package=None):
        builtins.print('Could not import OneDL. Skipping OneDL datasets.')
        builtins.print(f'hello from {name}')

    monkeypatch.setattr(importlib, 'import_module', noisy_import)
    compat.import_mmdet()
    assert capsys.readouterr().out.splitlines() == [f'hello from mmdet.{name}' for name in compat.MMDET_SUBPACKAGES]


def run_python(code):
    """Run code in a fresh interpreter: the finished process, with its output as text."""
    return subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, timeout=120)


def test_compat_is_read_before_any_heavy_package():
    heavy = {'torch', 'mmengine', 'mmcv', 'mmdet', 'numpy'}
    code = f'import runpy, sys; runpy.run_path({compat.__file__!r}); sys.exit(bool({heavy} & set(sys.modules)))'
    assert run_python(code).returncode == 0


@pytest.mark.parametrize(
    ('module', 'message'),
    [
        ('torch', 'mmcrowd needs torch >= 2.6, but it is not installed; install it with: pip install torch'),
        ('mmcv._ext', 'mmcrowd needs mmcv with its compiled ops, but mmcv._ext cannot be loaded'),
    ],
)
def test_import_of_mmcrowd_ends_with_one_sentence(module, message):
    done = run_python(f'import sys; sys.modules[{module!r}] = None; import mmcrowd')
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith(f'ImportError: {message}')


def test_import_of_mmcrowd_prints_nothing():
    done = run_python('import mmcrowd')
    assert (done.returncode, done.stdout) == (0, ''), done.stderr
