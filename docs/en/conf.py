"""The site, built by ``make docs`` with the repository as its root: links of pages lead to the same files in both."""

import re
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert

ROOT = Path(__file__).parents[2]

project = 'mmcrowd'
author = 'The mmcrowd contributors'
copyright = author
release = re.search(r"__version__ = '(.+?)'", (ROOT / 'mmcrowd/version.py').read_text(encoding='utf-8'))[1]

root_doc = 'docs/en/index'
include_patterns = ['docs/en/**', 'configs/*/README.md', 'mmcrowd/zoo/*.md', 'CHANGELOG.md', 'CONTRIBUTING.md']
exclude_patterns = ['.*', 'build', 'data', 'dist', 'work_dirs', 'mmcrowd/.mim', '*.egg-info']
extensions = ['myst_parser', 'sphinx.ext.autodoc', 'sphinx.ext.autosummary', 'sphinx.ext.napoleon']

myst_heading_anchors = 4

autodoc_typehints = 'signature'
autodoc_member_order = 'groupwise'
autodoc_inherit_docstrings = False
napoleon_numpy_docstring = False
napoleon_use_ivar = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88

highlight_language = 'none'
html_theme = 'furo'
html_title = f'mmcrowd {release}'
html_static_path = ['_static']
html_css_files = ['site.css']
templates_path = ['_templates']
html_additional_pages = {'index': 'redirect.html'}
html_copy_source = False
html_theme_options = dict(navigation_with_keys=True)
html_math_renderer = 'mathml'


def drop_object(app, doctree) -> None:
    """No base is said of a class that has none of its own."""
    for node in [node for node in doctree.findall(nodes.paragraph) if node.astext() == 'Bases: object']:
        node.parent.remove(node)


def write_defaults(app, kind, name, obj, options, arguments, result) -> tuple[str | None, str | None]:
    """A default that is made anew for each object is no Python: ``= <factory>`` would leave the arguments unparsed."""
    return arguments and arguments.replace('<factory>', '...'), result


def write_formula(writer, node) -> None:
    """MathML is written, which browsers draw without a script: formulas are there without network."""
    writer.body.append(convert(node.astext(), display='block' if isinstance(node, nodes.math_block) else 'inline'))
    raise nodes.SkipNode


def mark_short_texts(app, doctree, page) -> None:
    """Cells of tables wrap, but an option, a name or a row of figures is not parted (``site.css``)."""
    for node in doctree.findall(lambda node: isinstance(node, nodes.literal | nodes.entry)):
        text = node.astext()
        if len(text) <= 24 and (isinstance(node, nodes.literal) or re.fullmatch(r'[\d.,/> -]+', text)):
            node['classes'].append('short')


def setup(app) -> None:
    app.connect('doctree-read', drop_object)
    app.connect('autodoc-process-signature', write_defaults)
    app.connect('doctree-resolved', mark_short_texts)
    app.add_html_math_renderer('mathml', (write_formula, None), (write_formula, None))
