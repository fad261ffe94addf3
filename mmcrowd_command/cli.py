"""The console command ``mmcrowd``: its verbs are the tools, which an installation carries along."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import click

from .options import load_model, with_options
from .tool import run_tool
from .video import video

_HELP = dict(help_option_names=['-h', '--help'])
VERBS = {
    'predict': ('predict.py', 'Find the heads in an image or a folder: pictures, points and counts.'),
    'predict-many': ('predict_many.py', 'Find the heads in many images by several processes or machines.'),
    'train': ('train.py', 'Train a model of a config.'),
    'train-raz-net': ('train_raz_net.py', 'Train the stages of RAZ-Net one after the other.'),
    'test': ('test.py', 'Test weights on the test images of a config, with a report.'),
    'label': ('label_heads.py', 'Give every head a box from a few drawn by hand, on a local page or in one go.'),
    'check-data': ('dataset_tools/check_dataset.py', 'Check a data set or annotations of your own.'),
    'convert': ('dataset_tools/convert.py', 'Convert annotations from one format to another.'),
    'split': ('dataset_tools/make_split.py', 'Divide a data set into parts of alike counts.'),
    'stats': ('dataset_tools/dataset_stats.py', 'Describe a data set in figures.'),
    'browse': ('dataset_tools/browse_dataset.py', 'Draw what a network sees in training.'),
    'pseudo-boxes': ('dataset_tools/make_pseudo_boxes.py', 'Give annotated points boxes.'),
    'eval-points': ('analysis_tools/eval_points.py', 'Evaluate a file of points against annotated ones.'),
    'benchmark': ('analysis_tools/benchmark.py', 'Time models: latency, memory, share of decoding.'),
    'flops': ('analysis_tools/get_flops.py', 'Count multiply-adds and parameters of a model, part by part.'),
    'fit-intervals': (
        'analysis_tools/fit_intervals.py',
        'Fit intervals of counts on the validation images of a config.',
    ),
    'export': ('export_onnx.py', 'Write a model as ONNX, with its decoding inside.'),
    'publish': ('publish_model.py', 'Make a file to publish of a checkpoint: weights as data.'),
    'convert-released': ('model_converters/convert_released.py', 'Read weights that authors of methods released.'),
}


class VerbGroup(click.Group):
    """Verbs in the order in which they are added; an unknown one names the closest."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(self, ctx: click.Context, args: list[str]):
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith('-'):
            import difflib

            close = difflib.get_close_matches(args[0], self.commands, n=1, cutoff=0.5)
            hint = f', did you mean {close[0]}?' if close else f'; verbs: {", ".join(self.commands)}'
            raise click.UsageError(f'{args[0]}: no such verb{hint}', ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=VerbGroup,
    epilog='mmcrowd VERB --help says more. First steps: mmcrowd predict photo.jpg',
    context_settings=_HELP,
)
def main() -> None:
    """Count and locate the heads in crowds."""


def tools_folder() -> Path:
    """The folder of the tools: beside this package in a checkout, inside the package in an installation.

    Raises:
        click.ClickException: Neither is there.
    """
    beside = Path(__file__).resolve().parents[1] / 'tools'
    if (beside / 'predict.py').is_file():
        return beside
    package = importlib.util.find_spec('mmcrowd')
    inside = Path(package.origin).parent / '.mim' / 'tools' if package and package.origin else None
    if inside is None or not inside.is_dir():
        raise click.ClickException('this installation of mmcrowd has no tools: install it anew')
    return inside


def _run_tool(verb: str, arguments: tuple[str, ...]) -> None:
    sys.argv = [f'mmcrowd {verb}', *arguments]
    spec = importlib.util.spec_from_file_location('mmcrowd_verb', tools_folder() / VERBS[verb][0])
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    run_tool(tool.main)


def _add_tool(verb: str, text: str) -> None:
    @main.command(
        verb,
        help=text,
        short_help=text,
        add_help_option=False,
        context_settings=dict(ignore_unknown_options=True, allow_interspersed_args=False),
    )
    @click.argument('arguments', nargs=-1, type=click.UNPROCESSED)
    def run(arguments: tuple[str, ...]) -> None:
        _run_tool(verb, arguments)


@click.command(short_help='Print how many heads are in images.', context_settings=_HELP)
@click.argument('images', nargs=-1, required=True)
@with_options('--model', '--weights', '--device', '--score-thr', '--scale', '--batch-size', '--max-pixels')
def count(images: tuple[str, ...], **options):
    """Print how many heads are in images, files and folders: a line each, the total last.

    Behind a count stands its interval where the weights have one; the total has none.

    Exit code 0: all were counted; 1: some could not be read, with a line each.
    """

    def body() -> int:
        from mmcrowd.apis.batches import predict_files
        from mmcrowd.apis.images import list_images
        from mmcrowd.apis.result import amount, count_text
        from mmcrowd.utils.files import printable

        paths = [path for source in images for path in list_images(source)]
        crowd = load_model(options)
        total, failed = 0.0, 0
        for picture, why in predict_files(crowd, paths):
            if why:
                failed += 1
                click.echo(f'{why}. It is left out.', err=True)
                continue
            total += picture.result.count
            interval = picture.result.interval
            sure = '' if interval is None else '  ({:,} to {:,})'.format(*interval)
            click.echo(f'{count_text(picture.result.count):>10}  {printable(picture.path)}{sure}')
        if len(paths) > 1:
            click.echo(f'{count_text(total):>10}  in {amount(len(paths) - failed, "image")}')
        if crowd.intervals is not None:
            click.echo(crowd.intervals.describe(), err=True)
        return 1 if failed else 0

    run_tool(body)


@click.command(context_settings=_HELP)
def models() -> None:
    """List the models that come with their weights: mmcrowd predict photo.jpg --model NAME."""
    from mmcrowd.apis.zoo import DEFAULT_MODEL, list_models

    for model in list_models():
        if model.weights is not None:
            default = ' (default)' if DEFAULT_MODEL in (model.name, *model.aliases) else ''
            click.echo(f'{model.short_name}{default}: {model.trained_on}')
            if model.aliases:
                click.echo(f'    in full: {model.name}')


@click.command(short_help='Say what is installed.', context_settings=_HELP)
def env() -> None:
    """Say what is installed: paste it into a report of a fault."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    names = ('mmcrowd', 'torch', 'mmengine', 'mmcv', 'mmdet', 'onedl-mmengine', 'onedl-mmcv', 'onedl-mmdetection')
    rows = {'python': platform.python_version(), 'platform': platform.platform(), 'processors': str(os.cpu_count())}
    for name in (*names, 'numpy', 'opencv-python', 'opencv-python-headless', 'pillow'):
        try:
            rows[name] = version(name)
        except PackageNotFoundError:
            continue
    import torch

    rows['gpu'] = torch.cuda.get_device_name() if torch.cuda.is_available() else 'none'
    for name, value in rows.items():
        click.echo(f'{name:22} {value}')


for _verb, (_file, _text) in VERBS.items():
    _add_tool(_verb, _text)
    if _verb == 'predict':
        main.add_command(count)
        main.add_command(video)
main.add_command(models)
main.add_command(env)
