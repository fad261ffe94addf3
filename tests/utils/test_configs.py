from pathlib import Path

import mmcrowd
from mmcrowd.utils.configs import config_path


def test_config_path():
    shipped = Path(mmcrowd.__file__).parent / '.mim' / 'configs' / 'fidt' / 'a.py'
    assert config_path('mmcrowd::fidt/a.py') == shipped
    assert config_path('configs/fidt/a.py') == Path('configs/fidt/a.py')
    assert config_path(Path('a::b.py')) == Path('a::b.py')
