"""Weights that the authors of FIDTM, IIM, CSRNet, CANNet, BL or RAZ_loc released -> weights and config of mmcrowd.

mmcrowd convert-released NWPU-HR.pth converted.safetensors --dataset nwpu
mmcrowd predict photo.jpg converted-*.py converted-*.safetensors
"""

import argparse
from pathlib import Path

from mmcrowd_command.tool import DTYPES, ToolParser, run_tool

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
NETWORKS = ('fidtm_hrnet_w48', 'iim_hrnet_w48', 'iim_vgg16', 'csrnet', 'cannet', 'bl_vgg19', 'raz_loc')
DATASETS = ('fdst', 'jhu', 'nwpu', 'qnrf', 'sha', 'shb')


def main() -> None:
    parser = ToolParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint', help=f'file of the authors; networks: {", ".join(NETWORKS)}')
    parser.add_argument('out', help='file to write; gets the beginning of its SHA-256 into its name')
    parser.add_argument(
        '--dataset',
        choices=DATASETS,
        help='what it was trained on: sets size and normalisation of images (default: that of most of its kind)',
    )
    parser.add_argument('--dtype', choices=DTYPES, default='float32', help='default: %(default)s')
    args = parser.parse_args()

    from mmcrowd.apis.released import convert_released

    written = convert_released(args.checkpoint, args.out, CONFIGS, args.dataset, args.dtype)
    print(f'{written} and {written.with_suffix(".py").name}')


if __name__ == '__main__':
    run_tool(main)
