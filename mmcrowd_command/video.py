"""The verb ``mmcrowd video``."""

from __future__ import annotations

import click

from .options import load_model, with_options
from .tool import run_tool


@click.command(
    short_help='Count through a video or a camera: overlay, counts over time, zones, lines.',
    context_settings=dict(help_option_names=['-h', '--help']),
)
@click.argument('source', metavar='SRC')
@with_options('--model', '--weights', '--device', '--score-thr', '--scale')
@click.option('--out', default='work_dirs/video', show_default=True, help='Folder of the results.')
@click.option('--regions', help='JSON or YAML file of zones, lines and four points on the ground.')
@click.option('--every', type=click.IntRange(1), default=1, show_default=True, help='Look at every N-th frame.')
@click.option(
    '--smoothing', type=click.FloatRange(0), default=1.0, show_default=True, help='Seconds of smoothing; 0: none.'
)
@click.option(
    '--max-step',
    type=click.FloatRange(0, min_open=True),
    help='Farthest way of a head from frame to frame, pixels.  [default: 2 % of the diagonal]',
)
@click.option('--no-overlay', is_flag=True, help='Write numbers only.')
@click.option(
    '--part-frames', type=click.IntRange(1), default=3000, show_default=True, help='Frames of an overlay file.'
)
@click.option('--resume', is_flag=True, help='Go on with the run that --out holds.')
def video(source: str, **options) -> None:
    """Count the heads in a video file, a stream (rtsp://...) or a camera (its number, such as 0).

    Writes counts.csv (a row per frame, as it comes), overlay_001.mp4 ..., counts.png and summary.json. Ctrl-C leaves
    them whole, --resume goes on. Exit code 0: the whole video was counted; 1: it cannot be read, or not to its end;
    2: nothing could be done; 130: stopped.
    """
    run_tool(lambda: _count(int(source) if source.isdecimal() else source, **options))


def _count(source, out, regions, no_overlay, **options) -> int:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from mmcrowd.apis.result import amount, count_text
    from mmcrowd.apis.video import count_video
    from mmcrowd.utils.files import printable
    from mmcrowd.utils.frames import VideoReadError, video_info

    settings = {name: options[name] for name in ('every', 'smoothing', 'max_step', 'part_frames', 'resume')}
    try:
        total = video_info(source).frames if isinstance(source, str) else None
        crowd = load_model(options)
        if crowd.zoo_model is not None:
            click.echo(f'model {crowd.zoo_model.short_name}: {crowd.zoo_model.trained_on}')
        columns = (TextColumn('{task.completed:,} frames'), BarColumn(), TextColumn('{task.fields[heads]}'))
        with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
            task = progress.add_task('', total=total, heads='')
            summary = count_video(
                crowd, source, out, regions, overlay=not no_overlay, **settings,
                on_frame=lambda done, count: progress.update(task, completed=done, heads=f'{count_text(count)} heads'),
            )  # fmt: skip
    except VideoReadError as error:
        click.echo(str(error), err=True)
        return 1
    except KeyboardInterrupt:
        click.echo(f'stopped; {printable(out)} holds what was counted, --resume goes on with a file', err=True)
        return 130
    counted = summary['counted']
    mean = f', {counted["count"]["mean"]:,.1f} heads on average' if counted['frames'] else ''
    click.echo(f'{amount(counted["frames"], "frame")}{mean}, written to {printable(out)}')
    if summary['fault'] is not None:
        click.echo(summary['fault'], err=True)
        return 1
    return 0
