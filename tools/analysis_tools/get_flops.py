"""Count the multiply-adds and parameters of a model, part by part, for an image of one size in one pass.

Decoding is not counted. A config is a Python program: use configs you trust.
"""

import argparse
import warnings

from mmcrowd_command.tool import DEFAULT_MODEL, ToolParser, image_size, run_tool


def main() -> None:
    parser = ToolParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        'model', nargs='?', default=DEFAULT_MODEL, help=f'name of a model, or config file (default: {DEFAULT_MODEL})'
    )
    parser.add_argument(
        '--size', type=image_size, metavar='WxH', help='of the image (default: 1024x768, or the one tile a model takes)'
    )
    parser.add_argument('--out', help='write the result to this JSON file')
    args = parser.parse_args()

    from rich.console import Console
    from rich.table import Table

    from mmcrowd.apis.complexity import default_size, measure_complexity
    from mmcrowd.apis.inferencer import CrowdInferencer
    from mmcrowd.utils.json_files import write_json

    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', message='CrowdInferencer got no weights')
        crowd = CrowdInferencer(args.model, device='cpu')
    size = args.size or default_size(crowd)
    found = measure_complexity(crowd, size)
    table = Table('part', 'multiply-adds', 'parameters', box=None, pad_edge=False)
    for name, (operations, parameters) in {**found.parts, 'total': found.total}.items():
        table.add_row(name, f'{operations / 1e9:,.3f} G', f'{parameters:,}')
    Console(soft_wrap=True).print(table)
    print(f'image {size[0]}x{size[1]}, input of the network {found.width}x{found.height}, one pass')
    if found.uncounted:
        print('not counted: ' + ', '.join(f'{times} x {name}' for name, times in found.uncounted.items()))
    if args.out:
        write_json(args.out, dict(model=args.model, image=list(size), **found.to_dict()))


if __name__ == '__main__':
    run_tool(main)
