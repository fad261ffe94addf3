"""Write a model as ONNX with its decoding inside: an image of any size in, points and scores out.

Needs the extra onnx: pip install onnx onnxruntime. Where onnxruntime is there, the file is compared with the model.
A config is a Python program: use configs you trust. Weights are read as data; nothing of the file is run.
"""

import argparse

from mmcrowd_command.tool import DEFAULT_MODEL, ToolParser, run_tool


def main() -> None:
    parser = ToolParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', help='file to write, such as crowd.onnx')
    parser.add_argument(
        'model', nargs='?', help=f'name of a model, or config file (default: {DEFAULT_MODEL}, which comes along)'
    )
    parser.add_argument('weights', nargs='?', help='checkpoint of the model; a model of a name has its own')
    args = parser.parse_args()

    from mmcrowd.apis import CrowdInferencer, export_onnx
    from mmcrowd.apis.zoo import check_weights_given
    from mmcrowd.utils.files import printable

    check_weights_given(args.model, args.weights)
    written = export_onnx(CrowdInferencer(args.model, args.weights, device='cpu'), args.out)
    print(f'{printable(written)}: {written.stat().st_size / 1e6:.1f} MB')


if __name__ == '__main__':
    run_tool(main)
