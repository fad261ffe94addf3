"""The commands of the pages exist, and so do their options and the files that they name."""

import glob
import itertools
import re
import runpy
import shlex

import pytest
from click.testing import CliRunner

from mmcrowd_command import cli
from mmcrowd_command.tool import ToolParser
from tests.docs.pages import PAGES, ROOT, blocks, name, prose

COMMANDS = [
    pytest.param(line, id=f'{block}: {line[:50]}')
    for page in PAGES
    for block in blocks(page, 'bash')
    for line in block.code.replace('\\\n', ' ').splitlines()
    if shlex.split(line, comments=True)
]
FOREIGN = ('pip', 'ssh', 'pytest')
TARGETS = re.findall(r'^([a-z-]+):', (ROOT / 'Makefile').read_text(), flags=re.MULTILINE)


class Parsed(Exception):
    """The parser has accepted the arguments."""


def parse(script: str, arguments: list[str], monkeypatch) -> None:
    """Give a tool's parser arguments, and stop behind it."""
    real = ToolParser.parse_args

    def parse_args(self, args=None, namespace=None):
        real(self, arguments)
        raise Parsed

    monkeypatch.setattr(ToolParser, 'parse_args', parse_args)
    with pytest.raises(Parsed):
        runpy.run_path(str(ROOT / script), run_name='tool')['main']()


def parse_verb(words: list[str], monkeypatch) -> None:
    verb, *arguments = words
    if verb.startswith('-'):
        assert CliRunner().invoke(cli.main, [verb]).exit_code == 0
    elif verb in cli.VERBS:
        parse(f'tools/{cli.VERBS[verb][0]}', arguments, monkeypatch)
    else:
        cli.main.commands[verb].make_context(verb, arguments)


@pytest.mark.parametrize('line', COMMANDS)
def test_command(line, monkeypatch):
    words = shlex.split(line, comments=True)
    while re.fullmatch(r'[A-Z_]+=\S*', words[0]):
        words.pop(0)
    command, *arguments = words
    if command.endswith('mmcrowd'):
        parse_verb(arguments, monkeypatch)
    elif command == 'make':
        assert {word for word in arguments if '=' not in word} <= set(TARGETS)
    elif command == 'bash':
        assert (ROOT / arguments[0]).is_file()
    elif command == 'python' and arguments[0].startswith(('tools/', 'benchmarks/')):
        assert (ROOT / arguments[0]).is_file()
        if arguments[0].startswith('tools/'):
            parse(arguments[0], arguments[1:], monkeypatch)
    elif command == 'python' and arguments[0] == '-c':
        compile(arguments[1], line, 'exec')
    else:
        assert command in FOREIGN or '/mmdet/.mim/tools/' in arguments[0], line


@pytest.mark.parametrize('page', PAGES, ids=name)
def test_verbs_in_the_text(page):
    verbs = re.findall(r'`mmcrowd ([a-z][\w-]*)', prose(page))
    assert set(verbs) <= set(cli.main.commands)
    targets = re.findall(r'`make ([a-z][\w-]*)', prose(page))
    assert set(targets) <= set(TARGETS)


def expand(pattern: str) -> list[str]:
    """``a_{b,c}.py`` as a shell reads it."""
    parts = [part[1:-1].split(',') if part[0] == '{' else [part] for part in re.findall(r'\{[^}]*\}|[^{]+', pattern)]
    return [''.join(chosen) for chosen in itertools.product(*parts)]


@pytest.mark.parametrize('page', PAGES, ids=name)
def test_files_that_are_named(page):
    """Placeholders (``<method>``, ``my_``, ``mine/``) are the reader's own."""
    named = re.findall(
        r'(?<![\w/.-])((?:configs|tools|benchmarks|tests|requirements)/[\w./*{},<>-]*[\w*}>/])', page.read_text()
    )
    for pattern in named:
        if not re.search(r'<|/mine|my_|_base_/<', pattern):
            for path in expand(pattern):
                assert glob.glob(str(ROOT / path)), f'{name(page)}: {path} is not there'
