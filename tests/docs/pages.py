"""Reading the pages of the documentation: blocks of code, links, headings."""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for pattern in (
        'README.md',
        'CONTRIBUTING.md',
        'CHANGELOG.md',
        'docs/en/**/*.md',
        'configs/*/README.md',
        'mmcrowd/zoo/*.md',
    )
    for path in ROOT.glob(pattern)
)
_BLOCK = re.compile(
    r'(?:^ *<!-- (?P<kind>not run|given):(?P<note>.*?)-->\n)?'
    r'^(?P<indent> *)```(?P<language>[\w{}-]*)\n(?P<code>.*?)^(?P=indent)```$',
    flags=re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block of code.

    Attributes:
        page: Its page, relative to the root.
        line: Line of its fence.
        language: What stands behind the fence.
        code: Its text.
        not_run: Why it cannot be run by itself, from a comment ``<!-- not run: ... -->`` before it.
        given: Code that runs before it, from a comment ``<!-- given: ... -->``.
    """

    page: str
    line: int
    language: str
    code: str
    not_run: str = ''
    given: str = ''

    def __str__(self) -> str:
        return f'{self.page}:{self.line}'


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, *languages: str) -> list[Block]:
    """The blocks of a page in some languages, in order."""
    text = page.read_text(encoding='utf-8')
    found = []
    for match in _BLOCK.finditer(text):
        if match['language'] in languages:
            note = {(match['kind'] or 'given').replace(' ', '_'): (match['note'] or '').strip()}
            line = text.count('\n', 0, match.start('indent')) + 1
            found.append(Block(name(page), line, match['language'], textwrap.dedent(match['code']), **note))
    return found


def prose(page: Path) -> str:
    """The text of a page without its blocks."""
    return _BLOCK.sub('', page.read_text(encoding='utf-8'))


def links(page: Path) -> list[str]:
    """Targets of the links and pictures of a page that lead to files of the repository."""
    targets = re.findall(r'\]\(([^)\s]+)\)', re.sub(r'`[^`\n]*`', '', prose(page)))
    return [target for target in targets if not re.match(r'\w+:', target)]


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in links."""
    headings = re.findall(r'^#+ (.+)$', prose(page), flags=re.MULTILINE)
    plain = [re.sub(r'\[([^]]*)\]\([^)]*\)', r'\1', heading).lower() for heading in headings]
    return {re.sub(r'[^\w -]', '', heading).replace(' ', '-') for heading in plain}
