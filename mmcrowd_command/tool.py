"""What every tool begins and ends with: its options, and its status.

A tool imports what it works with in ``main``, after its options are read. It ends with 0 or its own status; one line
and status 2 where the user can mend it; a trace for our faults.
"""

from __future__ import annotations

import dis
import re
import sys
from argparse import Action, ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

_ROOT = Path(__file__).resolve().parents[1]
_RAISE = dis.opmap['RAISE_VARARGS']
_OUR_FAULTS = (AssertionError, NotImplementedError)
USER_ERROR = 2

# What options offer. The package has more to say of each; tests hold them alike.
DEFAULT_MODEL = 'crowd_count_lite'
STYLES = ('points', 'boxes', 'density', 'contours')
DTYPES = ('float16', 'float32')
FORMATS = (
    *('coco', 'csv', 'cvat', 'json', 'label_studio', 'labelme', 'mot', 'points', 'shanghaitech', 'via', 'voc', 'yolo'),
)


class ToolParser(ArgumentParser):
    """An argument parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Exit with status 2."""
        self.exit(USER_ERROR, f'{self.prog}: {message} (all options: {self.prog} --help)\n')


class ConfigOptions(Action):
    """The option ``--cfg-options KEY=VALUE ...`` of a tool, as mmengine's, which says what is wrong in it."""

    def __call__(self, parser, namespace, values, option_string=None):
        """Put the settings together; exit with status 2 where one is none."""
        from mmengine.config import DictAction

        try:
            DictAction(self.option_strings, self.dest, self.nargs)(parser, namespace, values, option_string)
        except ValueError:
            parser.error(f'{option_string}: expected KEY=VALUE, found {" ".join(values)}')


def whole_number(text: str) -> int:
    """The type of an option that counts, or is a seed.

    Raises:
        ArgumentTypeError: Not a whole number, or a negative one.
    """
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise ArgumentTypeError(f'expected a whole number, 0 or more, found {text!r}')
    return number


def image_size(text: str) -> tuple[int, int]:
    """The type of an option that is a size of images: ``640x480`` is (640, 480), width and height in pixels.

    Raises:
        ArgumentTypeError: Not two whole numbers above 0 with an x between them.
    """
    found = re.fullmatch(r'([1-9]\d*)[xX]([1-9]\d*)', text)
    if found is None:
        raise ArgumentTypeError(f'expected WIDTHxHEIGHT, such as 640x480, found {text!r}')
    return int(found[1]), int(found[2])


def run_tool(main: Callable[[], int | None]) -> NoReturn:
    """Call the body of a tool and exit with the status that it returns, None for 0.

    What the user can mend (see :func:`user_message`) becomes one line on the standard error and status 2. An interrupt
    ends with 130, as of a shell. Any other exception is a fault of the program and keeps its trace.
    """
    try:
        status = main()
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        status = 130
    except Exception as error:
        line = user_message(error)
        if line is None:
            raise
        print(line, file=sys.stderr)
        status = USER_ERROR
    sys.exit(status or 0)


def user_message(error: Exception) -> str | None:
    """One line about an exception that the user can mend; None for a fault of the program.

    The user can mend what the operating system refuses (:class:`OSError`), what a ``raise`` of this package says, also
    in a process that loads data, and what the registries and config files of mmengine say.
    """
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    if 'Traceback (most recent call last)' in text:  # of a process that loads data
        message = _remote_message(text)
    elif isinstance(error, OSError):
        message = f'{error.filename}: {error.strerror}' if error.filename and error.strerror else text
    else:
        message = text if _is_said(error) else None
    return None if message is None else ' '.join(message.split()) or type(error).__name__


def _is_said(error: Exception) -> bool:
    """Whether a ``raise`` of this package, or mmengine's building from a config, made the exception."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or isinstance(error, _OUR_FAULTS):
        return False
    code = trace.tb_frame.f_code
    file = Path(code.co_filename)
    if file.parent.name in ('registry', 'config') and file.parent.parent.name == 'mmengine':
        return True
    return _is_ours(file) and code.co_code[trace.tb_lasti] == _RAISE


def _is_ours(file: Path) -> bool:
    return not {_ROOT / 'mmcrowd', _ROOT / 'tools'}.isdisjoint(file.resolve().parents)


def _remote_message(text: str) -> str | None:
    """The message in the text of a trace, if it ends in a ``raise`` of this package or in an error of the system."""
    frames = list(re.finditer(r'^ *File "(.+?)", line \d+.*\n(.*)$', text, re.MULTILINE))
    found = (
        re.search(r'^(\w[\w.]*)(?:: |$)(.*)', text[frames[-1].end() :], re.MULTILINE | re.DOTALL) if frames else None
    )
    if found is None:
        return None
    kind, message = found.groups()
    said = _is_ours(Path(frames[-1][1])) and frames[-1][2].strip().startswith('raise ')
    if said and kind.rsplit('.', 1)[-1] not in [fault.__name__ for fault in _OUR_FAULTS]:
        return message
    return message if re.fullmatch(r'(FileNotFound|Permission|IsADirectory|NotADirectory|OS)Error', kind) else None
