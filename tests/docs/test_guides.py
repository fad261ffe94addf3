"""The Python of the pages runs, and their links lead somewhere.

A block that cannot run by itself says why in a comment before it, ``<!-- not run: ... -->``, and is parsed;
``<!-- given: ... -->`` holds what a fragment takes from its reader.
"""

import ast
import inspect
import re
from collections.abc import Iterator

import cv2
import pytest
from mmengine.config import Config
from mmengine.registry import Registry

from mmcrowd import registry
from mmcrowd.apis.export import rendered_crowd
from mmcrowd.registry import DATASETS, MODELS
from tests.docs.pages import PAGES, Block, anchors, blocks, links, name, prose

PYTHON = {name(page): blocks(page, 'python') for page in PAGES}
REGISTRIES = [value for value in vars(registry).values() if isinstance(value, Registry) and value.scope == 'mmcrowd']


@pytest.fixture(scope='module')
def picture():
    return rendered_crowd((160, 210))


@pytest.fixture
def reader(picture, tmp_path, repo_root, monkeypatch):
    """What a reader has in the current folder: a few pictures, a video, and the configs."""
    for file in ('photo.jpg', 'photos/a.jpg', 'photos/b.jpg'):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / file), picture)
    video = cv2.VideoWriter(str(tmp_path / 'street.mp4'), cv2.VideoWriter_fourcc(*'mp4v'), 10, picture.shape[1::-1])
    for _ in range(2):
        video.write(picture)
    video.release()
    (tmp_path / 'configs' / 'mine').mkdir(parents=True)
    (tmp_path / 'configs' / '_base_').symlink_to(repo_root / 'configs' / '_base_')
    monkeypatch.chdir(tmp_path)
    # A loader that a page defines is gone after it.
    monkeypatch.setattr(DATASETS, '_module_dict', dict(DATASETS.module_dict))
    return tmp_path


def named_parts(value: object) -> Iterator[dict]:
    """The dicts of a config that name a part of mmcrowd."""
    if isinstance(value, dict):
        if str(value.get('type', '')).startswith('mmcrowd.'):
            yield dict(value)
        value = list(value.values())
    for item in value if isinstance(value, list | tuple) else ():
        yield from named_parts(item)


def check_parts(value: object, where: Block) -> None:
    """Every part is there and has the options that it is given, where it takes options by name."""
    for part in named_parts(value):
        cls = next((found for node in REGISTRIES if (found := node.get(part['type']))), None)
        assert cls is not None, f'{where}: {part["type"]} is not there'
        known = set()
        for parent in cls.__mro__:
            if '__init__' in vars(parent):
                parameters = inspect.signature(parent.__init__).parameters
                known |= set(parameters)
                if not any(word.kind is word.VAR_KEYWORD for word in parameters.values()):
                    break
        unknown = set(part) - {'type', '_delete_'} - known
        assert not unknown, f'{where}: {part["type"]} has no {sorted(unknown)}'


def run_config(text: str, block: Block) -> None:
    path = 'configs/mine/config.py'
    with open(path, 'w') as file:
        file.write(text)
    config = Config.fromfile(path)
    check_parts(config.to_dict(), block)
    MODELS.build(config.model)


@pytest.mark.parametrize('page', [page for page, found in PYTHON.items() if any(not block.not_run for block in found)])
def test_python_runs(page, reader):
    space, config = {'__name__': 'guide'}, ''
    for block in PYTHON[page]:
        if block.not_run:
            continue
        if '_base_' in block.code:
            # A block that goes on with the config before it has no _base_ of its own.
            config = block.code if '_base_ =' in block.code else config + block.code
            run_config(config, block)
            continue
        exec(block.given, space)
        before = set(space)
        exec(compile(block.code, str(block), 'exec'), space)
        check_parts([space[key] for key in set(space) - before], block)


@pytest.mark.parametrize(
    'block', [block for found in PYTHON.values() for block in found if block.not_run], ids=lambda block: str(block)
)
def test_python_that_is_not_run(block):
    ast.parse(block.code)
    pytest.skip(f'{block.not_run} (parsed)')


@pytest.mark.parametrize('page', PAGES, ids=name)
def test_links(page):
    for link in links(page):
        path, _, anchor = link.partition('#')
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f'{name(page)}: {link}'
        assert not anchor or anchor in anchors(target), f'{name(page)}: {link}: no such heading'


@pytest.mark.parametrize('page', PAGES, ids=name)
def test_tables_are_whole(page):
    """A row behind a blank line is no row any more, but a line of bars."""
    for before, table in re.findall(r'^( *)(\|[^\n]*\n(?: *\|[^\n]*\n)*)', prose(page), flags=re.MULTILINE):
        assert re.match(r'[^\n]*\n *\|[-|: ]+\|\n', table), f'{name(page)}: {before}{table[:80]}'


def test_every_page_is_in_the_contents(repo_root):
    """``make docs`` refuses a page that no list of contents leads to."""
    folder = repo_root / 'docs' / 'en'
    entries = [
        (page, re.sub(r'.*<(.*)>', r'\1', entry))
        for page in folder.rglob('*.md')
        for block in blocks(page, '{toctree}')
        for entry in block.code.splitlines()
    ]
    listed = {path.resolve() for page, entry in entries if entry for path in page.parent.glob(f'{entry}.md')}
    assert [name(page) for page in PAGES if page.name != 'index.md' and page not in listed] == ['README.md']
