"""Time models on one image at a time, from its pixels to its heads: latency, throughput, share of decoding, memory.

Several models take turns, so that what else the machine does disturbs all alike; times are medians, after rounds that
warm up, and wait for the GPU. The image is a painted crowd of each size, or a file. Models of the index come with their
weights; the network of a config is untrained: its times are those of a trained one, but for decoding, which takes
longer the more heads are found.
A config is a Python program: use configs you trust.
"""

import argparse
import warnings
from pathlib import Path

from mmcrowd_command.tool import DEFAULT_MODEL, ToolParser, image_size, run_tool, whole_number


def parse_args() -> argparse.Namespace:
    parser = ToolParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        'models',
        nargs='*',
        default=[DEFAULT_MODEL],
        help=f'names of models, or config files (default: {DEFAULT_MODEL})',
    )
    parser.add_argument('--weights', help='checkpoint, where there is one model and it is a config file')
    sizes = [(640, 480), (1920, 1080)]
    parser.add_argument(
        '--size', nargs='+', type=image_size, default=sizes, metavar='WxH', help='default: 640x480 1920x1080'
    )
    parser.add_argument('--image', help='picture to predict instead, in its own size')
    parser.add_argument('--rounds', type=whole_number, default=10, help='timed predictions of each (default: 10)')
    parser.add_argument('--warmup', type=whole_number, default=2, help='predictions before that (default: 2)')
    parser.add_argument('--threads', type=whole_number, help='threads on a CPU (default: torch decides)')
    parser.add_argument('--device', help="'cpu', 'cuda:0', ... (default: a GPU if there is one)")
    parser.add_argument('--out', help='write the result to this JSON file')
    args = parser.parse_args()
    if args.weights is not None and len(args.models) != 1:
        parser.error('--weights: expected one model, and its config')
    return args


def main() -> None:
    args = parse_args()

    import torch
    from rich.console import Console
    from rich.table import Table

    from mmcrowd.apis.benchmark import as_rows, benchmark_models, rendered_picture, surroundings
    from mmcrowd.apis.inferencer import CrowdInferencer
    from mmcrowd.apis.result import count_text
    from mmcrowd.utils.json_files import write_json
    from mmcrowd.utils.pictures import read_image

    if args.threads:
        torch.set_num_threads(args.threads)
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', message='CrowdInferencer got no weights')
        models = {name: CrowdInferencer(name, args.weights, device=args.device) for name in args.models}
    images = [read_image(args.image)] if args.image else [rendered_picture(*size) for size in args.size]
    timings = benchmark_models(models, images, args.rounds, args.warmup)
    where = surroundings(next(next(iter(models.values())).model.parameters()).device)
    where |= dict(rounds=args.rounds, warmup=args.warmup)
    if args.out:
        write_json(args.out, dict(where, timings=as_rows(timings)))
    table = Table(box=None, pad_edge=False)
    for column in ('model', 'image', 'ms', 'slowest', 'processor ms', 'images/s', 'decoding', 'peak MB', 'count'):
        table.add_column(column, no_wrap=True)
    for each in timings:
        table.add_row(
            Path(each.model).stem,
            f'{each.width}x{each.height}',
            f'{each.latency_ms:,.1f}',
            f'{each.slowest_ms:,.1f}',
            f'{each.processor_ms:,.1f}',
            f'{each.images_per_second:.2f}',
            f'{each.decode_share:.1%}',
            f'{each.peak_mb:,.0f}',
            count_text(each.count),
        )
    Console(soft_wrap=True, width=200).print(table)  # no figure is cut or folded, however slow the machine
    print(', '.join(f'{name} {value}' for name, value in where.items()))


if __name__ == '__main__':
    run_tool(main)
