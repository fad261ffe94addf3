"""Publish a trained model: a safetensors file of weights, config, metrics and their SHA-256; the config beside it.

Optimizer and state of the training are left out. Tensors that float16 cannot hold stay float32.
"""

import argparse

from mmcrowd_command.tool import DTYPES, ToolParser, run_tool


def main() -> None:
    parser = ToolParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file of the model')
    parser.add_argument('checkpoint', help='weights')
    parser.add_argument('out', help='file to write; gets the beginning of its SHA-256 into its name')
    parser.add_argument('--dtype', choices=DTYPES, default='float16', help='default: %(default)s')
    parser.add_argument('--float32', nargs='+', default=[], metavar='REGEX', help='names that stay float32')
    parser.add_argument('--metrics', metavar='metrics.json', help='figures of a test of these weights')
    args = parser.parse_args()

    from mmcrowd.apis.publish import publish_model
    from mmcrowd.utils.weights import file_sha256

    written = publish_model(**vars(args))
    print(f'{written}: {written.stat().st_size / 1e6:.1f} MB, SHA-256 {file_sha256(written)}')


if __name__ == '__main__':
    run_tool(main)
