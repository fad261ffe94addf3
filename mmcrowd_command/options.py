"""Options of all verbs that predict: written down once, for tools and for verbs of their own."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from .tool import DEFAULT_MODEL, whole_number

if TYPE_CHECKING:
    from mmcrowd.apis import CrowdInferencer


@dataclass(frozen=True)
class Option:
    """An option without its name.

    Attributes:
        help: What it says, a lower case letter first.
        default: What happens without it.
        metavar: What stands for its value.
        type: Of its value.
    """

    help: str
    default: str = ''
    metavar: str = 'TEXT'
    type: type = str


OPTIONS = {
    '--model': Option('name of a model, or config file', f'{DEFAULT_MODEL}, which comes along', 'NAME'),
    '--weights': Option('checkpoint of the model; a model of a name has its own', metavar='FILE'),
    '--device': Option("where: 'cpu', 'cuda:0', ...", 'a GPU if there is one', 'DEVICE'),
    '--score-thr': Option('leave out heads with a lower score', 'the model decides', 'SCORE', float),
    '--batch-size': Option('most images of one size that go through the network together', '1', 'N', int),
    '--scale': Option('enlarge or shrink images by this factor before they are predicted', '1', 'FACTOR', float),
    '--max-pixels': Option('most pixels of an image', '536,870,912, 1.6 GB decoded', 'N', int),
}


def add_options(parser: ArgumentParser, *names: str) -> None:
    """Give a tool options of :data:`OPTIONS`, in this order; without the option, its value is None."""
    for name in names:
        option = OPTIONS[name]
        parser.add_argument(
            name,
            type=whole_number if option.type is int else option.type,
            metavar=option.metavar,
            help=option.help + (f' (default: {option.default})' if option.default else ''),
        )


def with_options(*names: str) -> Callable[[Callable], Callable]:
    """Give a verb options of :data:`OPTIONS`, in this order; without the option, its value is None."""

    def decorate(command: Callable) -> Callable:
        for name in reversed(names):
            option = OPTIONS[name]
            text = f'{option.help[0].upper()}{option.help[1:]}'.removesuffix('...') + '.'
            command = click.option(
                name,
                type=click.IntRange(0) if option.type is int else option.type,
                metavar=option.metavar,
                help=text + (f'  [default: {option.default}]' if option.default else ''),
            )(command)
        return command

    return decorate


def given(values: Mapping[str, object]) -> dict[str, object]:
    """Those of :data:`OPTIONS` among parsed values that were given, by the names that ``CrowdInferencer`` has."""
    names = [name[2:].replace('-', '_') for name in OPTIONS]
    return {name: values[name] for name in names if values.get(name) is not None}


def load_model(values: Mapping[str, object]) -> CrowdInferencer:
    """The model that parsed values of :data:`OPTIONS` say.

    Raises:
        ValueError: A config file without weights, or as :class:`mmcrowd.apis.CrowdInferencer`.
    """
    from mmcrowd.apis import CrowdInferencer
    from mmcrowd.apis.zoo import check_weights_given

    options = given(values)
    check_weights_given(options.get('model'), options.get('weights'))
    return CrowdInferencer(**options)
