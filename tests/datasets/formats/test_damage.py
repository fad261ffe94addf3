"""Damaged files are read or refused by name, in every format; no other error, and no number that is not finite."""

from itertools import islice

import pytest

from mmcrowd.datasets.formats.format import require_sound
from tests.datasets.formats.exports import EXPORTS, JSONS, XMLS, Export

pytest.importorskip('defusedxml')
STEP = 7
"""One change of so many is tried; all kinds of change and all places come up. With 1, all of them."""


def outcome(export: Export) -> bool:
    """Read; True if that is refused with a message of one line that names the file."""
    try:
        collection = export.read()
    except (ValueError, FileNotFoundError) as error:
        text = str(error)
        named = export.file.name in text or str(export.source) in text
        told = any(word in text for word in ('expected', 'belongs', 'may be', 'refers'))
        if type(error) in (ValueError, FileNotFoundError) and named and told and len(text) < 1000 and '\n' not in text:
            return True
        raise
    for image in collection.images:
        require_sound(image)
    return False


@pytest.mark.parametrize('name', EXPORTS)
def test_an_export_is_read(tmp_path, name):
    export = Export(name, tmp_path)
    assert not outcome(export)
    assert sum(map(len, export.read().images))


@pytest.mark.parametrize('name', EXPORTS)
def test_one_value_is_another(tmp_path, name):
    export, refused, tried = Export(name, tmp_path), 0, 0
    for content in islice(export.damaged(), 0, None, STEP):
        export.write(content)
        refused += outcome(export)
        tried += 1
    assert 0 < refused < tried


@pytest.mark.parametrize('name', EXPORTS)
@pytest.mark.parametrize(
    'content',
    [
        b'',
        b'\0' * 64,
        bytes(range(256)),
        b'\xff\xfe',
        b'[' * 200_000,
        b'{"a":' * 200_000,
        b'<annotations>' * 20_000,
        b'<?xml version="1.0" encoding="nonsense"?><annotations/>',
        b'<?xml version="1.0" encoding="utf-7"?><annotations/>',
        b'[' + b'9' * 400 + b']',
        b'{"images": ' + b'9' * 5000 + b'}',
        b'null',
        b'"text"',
        b'{"data_list": [], "data_list": []}',
        b'"image,x,y\n',
    ],
    ids=range(15),
)
def test_the_file_is_something_else(tmp_path, name, content):
    export = Export(name, tmp_path)
    export.write(content)
    empty = content in (b'', b'\xff\xfe') and name in ('yolo', 'points', 'mot')  # images without heads
    assert outcome(export) is not empty
    assert not empty or not sum(map(len, export.read().images))


@pytest.mark.parametrize('name', [*JSONS, *XMLS])
def test_the_file_ends_early(tmp_path, name):
    export = Export(name, tmp_path)
    whole = export.file.read_bytes()
    for end in range(1, len(whole), len(whole) // 6):
        export.write(whole[:end])
        assert outcome(export)
