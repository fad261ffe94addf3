"""Find the heads in many images by several processes, on this machine or on those of a Ray cluster.

mmcrowd predict-many photos/ --out out --workers 4
mmcrowd predict-many 'photos/**/*.jpg' --out out --workers 8 --gpus 0.5 --address auto

Writes Parquet files into OUT/predictions.parquet, a row per image; one that cannot be read is a row with an error. What
is written stays when a run is stopped, and --resume goes on. Exit code 0: every image has its numbers; 1: some could
not be read, with a line each; 2: nothing could be done. Needs Ray Data: pip install "ray[data]".
"""

import argparse
import sys

from mmcrowd_command.options import add_options, given
from mmcrowd_command.tool import ToolParser, run_tool, whole_number


def parse_args() -> argparse.Namespace:
    parser = ToolParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('images', nargs='+', help='image files, folders of images, patterns')
    add_options(parser, '--model', '--weights')
    parser.add_argument('--out', metavar='FOLDER', required=True, help='folder of the results')
    parser.add_argument('--workers', type=whole_number, metavar='N', default=2, help='processes (default: %(default)s)')
    parser.add_argument(
        '--cpus', type=whole_number, metavar='N', default=1, help='processors of each process (default: %(default)s)'
    )
    parser.add_argument(
        '--gpus', type=float, metavar='N', default=0, help='GPUs of each, 0.5 where two share one (default: none)'
    )
    parser.add_argument(
        '--part', type=whole_number, metavar='N', default=100, help='most images of a file (default: %(default)s)'
    )
    parser.add_argument(
        '--address', help="of a running Ray cluster, such as 'auto' (default: RAY_ADDRESS, or this machine alone)"
    )
    parser.add_argument('--resume', action='store_true', help='go on with the results that --out holds')
    parser.add_argument('--retry', action='store_true', help='with --resume: predict images anew that had an error')
    add_options(parser, '--score-thr', '--scale', '--batch-size', '--max-pixels')
    args = parser.parse_args()
    if args.retry and not args.resume:
        parser.error('--retry goes with --resume')
    return args


def main() -> int:
    args = parse_args()

    from mmcrowd.apis.ray_predict import FOLDER, predict_many
    from mmcrowd.apis.result import amount, count_text
    from mmcrowd.apis.zoo import check_weights_given
    from mmcrowd.utils.files import printable

    check_weights_given(args.model, args.weights)
    run = {name: getattr(args, name) for name in ('workers', 'cpus', 'gpus', 'part', 'address', 'resume', 'retry')}
    try:
        predicted, heads, errors = predict_many(args.images, args.out, **run, **given(vars(args)))
    except KeyboardInterrupt:
        print(f'\nstopped; {printable(args.out)} holds what was found, --resume goes on', file=sys.stderr)
        return 130
    print(f'{count_text(heads)} heads in {amount(predicted, "image")}, written to {printable(args.out)}/{FOLDER}')
    if errors:
        print(f'{len(errors):,} images have no result: {errors[0]}{" ..." if len(errors) > 1 else ""}')
    return 1 if errors else 0


if __name__ == '__main__':
    run_tool(main)
