"""Weights that the authors of FIDTM or IIM released -> weights and config of mmcrowd.

convert_released.py NWPU-HR.pth converted.safetensors --dataset nwpu
predict.py photo.jpg converted-*.py converted-*.safetensors
"""

import argparse
from pathlib import Path

from mmcrowd.apis.publish import DTYPES
from mmcrowd.apis.released import RELEASED, convert_released
from mmcrowd.utils.cli import ToolParser, run_tool

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'


def main() -> None:
    parser = ToolParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint', help='file of the authors; networks: ' + ', '.join(net.name for net in RELEASED))
    parser.add_argument('out', help='file to write; gets the beginning of its SHA-256 into its name')
    parser.add_argument(
        '--dataset',
        choices=sorted({name for net in RELEASED for name in net.configs}),
        help='what it was trained on: sets size and normalisation of images (default: that of most of its kind)',
    )
    parser.add_argument('--dtype', choices=sorted(DTYPES), default='float32', help='default: %(default)s')
    args = parser.parse_args()
    written = convert_released(args.checkpoint, args.out, CONFIGS, args.dataset, args.dtype)
    print(f'{written} and {written.with_suffix(".py").name}')


if __name__ == '__main__':
    run_tool(main)
