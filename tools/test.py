"""Test a checkpoint: ``tools/test.py CONFIG CHECKPOINT``. Prints the metrics and writes ``<work dir>/metrics.json``."""

import argparse

from mmcrowd_command.tool import ConfigOptions, ToolParser, run_tool


def parse_args() -> argparse.Namespace:
    parser = ToolParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='weights')
    parser.add_argument('--work-dir', help='folder of the run (default: work_dirs/<config name>)')
    parser.add_argument('--out', metavar='FILE.pkl', help='write all predictions')
    parser.add_argument('--show-dir', metavar='FOLDER', help='write pictures of ground truth and prediction')
    parser.add_argument(
        '--score-thr',
        type=lambda text: text if text == 'val' else float(text),
        metavar='NUMBER|val',
        help='lowest score of a head in all metrics; val: the one of the lowest counting error in validation',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        metavar='KEY=VALUE',
        help='config overrides, such as test_cfg.fp16=True',
    )
    parser.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none', help='how processes are started'
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()

    from mmcrowd.engine.launch import launch_testing

    launch_testing(**vars(args))


if __name__ == '__main__':
    run_tool(main)
