"""Every data set has a page, and what the page says can be done."""

import re
from pathlib import Path

import pytest
from mmengine.config import Config

from mmcrowd.registry import DATASETS

PAGES = Path(__file__).parents[2] / 'docs' / 'en' / 'datasets'
NAMES = sorted(path.stem for path in PAGES.glob('*.md') if path.stem != 'README')


@pytest.mark.parametrize('name', NAMES)
def test_page(repo_root, name):
    text = (PAGES / f'{name}.md').read_text()
    for heading in ('## Size', '## Layout', '## Worth knowing', '## Source, licence, citation'):
        assert heading in text
    assert 'https://' in text or 'http://' in text
    loader = DATASETS.get(re.search(r'Loader `(mmcrowd\.\w+)`', text)[1])
    configs = re.findall(r'`(configs/_base_/datasets/\w+\.py)`', text)
    assert configs
    assert f'mmcrowd check-data {configs[0]} --data-root' in text
    for path in configs:
        config = Config.fromfile(repo_root / path)
        for split in ('train', 'val', 'test'):
            assert DATASETS.get(config[f'{split}_dataloader'].dataset.type) is loader
            assert config.get(f'{split}_evaluator') or split == 'train'


def test_every_loader_and_every_base_config_has_a_page(repo_root):
    pages = ''.join((PAGES / f'{name}.md').read_text() for name in NAMES)
    for path in (repo_root / 'configs' / '_base_' / 'datasets').glob('*.py'):
        if path.stem not in ('synthetic', 'own_data', 'mixed_crowds'):
            assert f'`configs/_base_/datasets/{path.name}`' in pages
    loaders = [loader for loader in DATASETS.module_dict.values() if getattr(loader, 'published', None)]
    assert len(loaders) >= 13
    for loader in loaders:
        assert f'`mmcrowd.{loader.__name__}`' in pages
    overview = (PAGES / 'README.md').read_text()
    assert sorted(re.findall(r'\]\((\w+)\.md\)', overview)) == NAMES
