"""Find the heads in images: files, folders, patterns such as 'photos/**/*.jpg'.

mmcrowd predict photo.jpg
mmcrowd predict photos/ --model count_lite --out counts
mmcrowd predict photos/ --model CONFIG.py --weights WEIGHTS     (or photos/ CONFIG.py WEIGHTS)

Writes one picture per image (--draw points contours: heads, and bands of equal crowd density), predictions.json (all
heads) and counts.csv (one row per image), image by image: a run that is stopped keeps its numbers, and goes on with
--resume. Exit code 0: every image has its numbers; 1: some were left out, with a line each; 2: nothing could be done,
or the results could not be written.
A config is a Python program: use configs you trust. Weights are read as data; nothing of the file is run.
"""

import argparse
import sys
from pathlib import Path

from mmcrowd_command.options import add_options, load_model
from mmcrowd_command.tool import STYLES, ToolParser, run_tool


def parse_args() -> argparse.Namespace:
    parser = ToolParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('images', nargs='+', help='image files, folders of images, patterns')
    add_options(parser, '--model', '--weights')
    parser.add_argument(
        '--out',
        '--out-dir',
        dest='out_dir',
        metavar='FOLDER',
        default='work_dirs/predict',
        help='folder of the results (default: %(default)s)',
    )
    add_options(parser, '--score-thr', '--scale')
    parser.add_argument(
        '--draw',
        nargs='+',
        choices=STYLES,
        metavar='STYLE',
        help=f'what the pictures show, of {", ".join(STYLES)} (default: points, or the density of a model without)',
    )
    parser.add_argument('--no-pictures', action='store_true', help='write numbers only')
    parser.add_argument('--resume', action='store_true', help='go on with the numbers that --out holds')
    add_options(parser, '--batch-size', '--max-pixels', '--device')
    args = parser.parse_args()
    place = model_place(args.images)
    if place is not None:
        named = args.images[place:]
        if args.model is not None or args.weights is not None or len(named) > 2:
            parser.error(f'{named[0]}: a model behind the images: name one once, by --model and --weights')
        args.images, args.model, args.weights = args.images[:place], *named, *[None][: 2 - len(named)]
    return args


def model_place(arguments: list[str]) -> int | None:
    """Where the model stands in ``IMAGES [MODEL [WEIGHTS]]``; None where there are images only.

    A config is known by its ending. A name is known where it is the last of two, and is neither a file, nor a pattern,
    nor called as a file is.
    """
    for place, text in enumerate(arguments[1:], 1):
        if text.endswith('.py') or '::' in text:
            return place
    is_name = len(arguments) == 2 and not (Path(arguments[1]).exists() or set(arguments[1]) & set('*?[/\\.'))
    return 1 if is_name else None


def main() -> int:
    args = parse_args()

    from mmcrowd.apis import list_images, predict_folder
    from mmcrowd.apis.result import amount, count_text
    from mmcrowd.utils.files import printable

    for source in args.images:
        list_images(source)  # a wrong path is said before the model is loaded
    crowd = load_model(vars(args))
    if crowd.zoo_model is not None:
        print(f'model {crowd.zoo_model.short_name}: {crowd.zoo_model.trained_on}')
    try:
        results, failures = predict_folder(
            crowd, args.images, args.out_dir, args.draw, pictures=not args.no_pictures, resume=args.resume
        )
    except KeyboardInterrupt:
        print(f'\nstopped; {printable(args.out_dir)} holds what was found, --resume goes on', file=sys.stderr)
        return 130
    total = sum(result.count for result in results)
    interval = results[0].interval if len(results) == 1 else None
    sure = '' if interval is None else ' ({:,} to {:,})'.format(*interval)
    kinds = 'predictions.json, counts.csv' if args.no_pictures else 'pictures, predictions.json, counts.csv'
    print(f'{count_text(total)} heads{sure} in {amount(len(results), "image")}')
    print(f'written to {printable(args.out_dir)}: {kinds}')
    if crowd.intervals is not None:
        print(crowd.intervals.describe())
    if failures:
        print(f'{amount(len(failures), "image")} left out: {failures[0]}{" ..." if len(failures) > 1 else ""}')
    return 1 if failures else 0


if __name__ == '__main__':
    run_tool(main)
