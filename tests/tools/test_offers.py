"""What options offer without importing the package is what the package has."""

import importlib.util

from mmcrowd.apis.publish import DTYPES
from mmcrowd.apis.released import RELEASED
from mmcrowd.apis.zoo import DEFAULT_MODEL
from mmcrowd.datasets.formats import FORMATS
from mmcrowd.evaluation import PROTOCOLS
from mmcrowd.utils.pictures import MAX_PIXELS
from mmcrowd.visualization import STYLES
from mmcrowd_command import tool
from mmcrowd_command.options import OPTIONS


def load(repo_root, name: str):
    spec = importlib.util.spec_from_file_location('a_tool', repo_root / 'tools' / name)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


def test_options_offer_what_there_is(repo_root) -> None:
    assert DEFAULT_MODEL == tool.DEFAULT_MODEL
    assert STYLES == tool.STYLES
    assert tuple(sorted(DTYPES)) == tool.DTYPES
    assert tuple(sorted(FORMATS)) == tool.FORMATS
    assert all(format.writable for format in FORMATS.values())
    assert load(repo_root, 'analysis_tools/eval_points.py').PROTOCOLS == PROTOCOLS
    released = load(repo_root, 'model_converters/convert_released.py')
    assert tuple(network.name for network in RELEASED) == released.NETWORKS
    assert tuple(sorted({name for network in RELEASED for name in network.configs})) == released.DATASETS
    assert OPTIONS['--max-pixels'].default.startswith(f'{MAX_PIXELS:,}, ')
