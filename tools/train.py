"""Train a model: ``python tools/train.py CONFIG``. Several processes: ``tools/dist_train.sh CONFIG NPROC``."""

import argparse

from mmcrowd_command.tool import ConfigOptions, ToolParser, run_tool


def parse_args() -> argparse.Namespace:
    parser = ToolParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='folder of the run (default: work_dirs/<config name>)')
    parser.add_argument(
        '--resume', nargs='?', const='auto', metavar='CHECKPOINT', help='go on from it, or from the newest of the run'
    )
    parser.add_argument('--amp', action='store_true', help='forward pass in bfloat16, on CPU or GPU')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        metavar='KEY=VALUE',
        help='config overrides, such as optim_wrapper.optimizer.lr=1e-4',
    )
    parser.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none', help='how processes are started'
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()

    from mmcrowd.engine.launch import launch_training

    launch_training(**vars(args))


if __name__ == '__main__':
    run_tool(main)
