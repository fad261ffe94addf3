"""Fit intervals of counts on the validation images of a config, for its weights.

Written beside the weights, as <weights>.intervals.json, they are found by mmcrowd predict, count and CrowdInferencer.
They hold for images like those they were fitted on, and for these weights with this config only.
"""

import argparse

from mmcrowd_command.tool import ConfigOptions, ToolParser, run_tool


def main() -> None:
    parser = ToolParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('weights', help='file of weights')
    parser.add_argument('--out', metavar='FILE.json', help='file to write (default: beside the weights)')
    parser.add_argument('--level', type=float, default=0.9, help='probability asked for (default: %(default)s)')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, metavar='KEY=VALUE', help='config overrides')
    parser.add_argument('--device', help="'cpu', 'cuda:0', ... (default: a GPU if there is one)")
    args = parser.parse_args()

    from mmcrowd.apis.interval_fit import fit_model_intervals
    from mmcrowd.apis.intervals import intervals_file
    from mmcrowd.utils.configs import read_config
    from mmcrowd.utils.files import printable

    cfg = read_config(args.config, args.cfg_options)
    found = fit_model_intervals(cfg, args.weights, args.level, args.device)
    print(found.describe())
    print(f'written to {printable(found.save(args.out or intervals_file(args.weights)))}')


if __name__ == '__main__':
    run_tool(main)
