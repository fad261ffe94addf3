"""Evaluate a file of predicted points against a file of annotated ones, by the protocols of the field."""

import argparse

from mmcrowd_command.tool import ToolParser, run_tool, whole_number

PROTOCOLS = ('nwpu', 'fixed', 'sweep', 'ranked', 'counting')


def parse_args() -> argparse.Namespace:
    parser = ToolParser(description=__doc__)
    parser.add_argument('gt', help='annotated points: text (id num (x y sigma_s sigma_l level)*), .json or .csv')
    parser.add_argument('pred', help='predicted points: text (id num (x y)*), .json or .csv')
    parser.add_argument(
        '--protocol',
        choices=PROTOCOLS,
        required=True,
        help='what is computed: fixed: F1 at fixed radii; nwpu: F1 at radii of the heads; sweep: radii 1 to 100; '
        'ranked: average precision; counting: errors of counts',
    )
    parser.add_argument('--radius', type=float, nargs='+', default=[4, 8], help='radii in pixels (default: 4 8)')
    parser.add_argument('--matching', choices=['max', 'greedy'], default='max', help='default: max, the official one')
    parser.add_argument('--score-thr', type=float, help='lowest score of a prediction that is evaluated')
    parser.add_argument('--bootstrap', type=whole_number, default=0, help='resamples for 95%% confidence intervals')
    parser.add_argument('--seed', type=whole_number, default=0, help='seed of the resampling')
    parser.add_argument(
        '--two-in-exponent',
        action=argparse.BooleanOptionalAction,
        default=True,
        help='affinity of ranked: exp(-d^2 / (2 sigma^2)), or exp(-d^2 / sigma^2)',
    )
    parser.add_argument('--lenient', action='store_true', help='forgive what real files need, and say what')
    parser.add_argument('--out', help='write the result to this JSON file')
    return parser.parse_args()


def main() -> None:
    args = vars(parse_args())

    from mmcrowd.evaluation import evaluate_point_files, result_lines
    from mmcrowd.utils.json_files import write_json

    out = args.pop('out')
    result = evaluate_point_files(**args)
    print('\n'.join(result_lines(result)))
    if out:
        write_json(out, result)


if __name__ == '__main__':
    run_tool(main)
