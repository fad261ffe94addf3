"""Train RAZ-Net stage by stage, fit its fusion, and test it; called again, it goes on where it was interrupted.

mmcrowd train-raz-net configs/raz/raz-net_vgg16_sha.py --work-dir work_dirs/raz-net_vgg16_sha
"""

import argparse

from mmcrowd_command.tool import ConfigOptions, ToolParser, run_tool


def main() -> None:
    parser = ToolParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config of the whole network; those of the stages lie beside it')
    parser.add_argument('--work-dir', required=True, help='folder of everything that is made')
    parser.add_argument('--device', default='cpu', help='where regions are proposed (default: %(default)s)')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, metavar='KEY=VALUE', help='for every stage')
    args = parser.parse_args()

    from mmcrowd.engine.raz_chain import train_raz_net

    train_raz_net(**vars(args))


if __name__ == '__main__':
    run_tool(main)
