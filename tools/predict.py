"""Find the heads in an image or in a folder of images.

Writes one overlay picture per image, predictions.json (all heads) and counts.csv (one row per image), image by image:
a run that is stopped keeps its numbers, and goes on with --resume. Exit code 0: every image has its numbers; 1: some
were left out, with a line each; 2: nothing could be done, or the results could not be written.
A config is a Python program: use configs you trust. Weights are read as data; nothing of the file is run.
"""

import argparse

from mmcrowd.apis import CrowdInferencer, predict_folder
from mmcrowd.apis.zoo import DEFAULT_MODEL, check_weights_given
from mmcrowd.utils.cli import ToolParser, run_tool, whole_number
from mmcrowd.utils.files import printable
from mmcrowd.utils.pictures import MAX_PIXELS


def main() -> int:
    parser = ToolParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('images', help='image file, or folder of images')
    parser.add_argument(
        'model', nargs='?', help=f'name of a model, or config file (default: {DEFAULT_MODEL}, which comes along)'
    )
    parser.add_argument('weights', nargs='?', help='checkpoint of the model, where model is a config file')
    parser.add_argument('--out-dir', default='work_dirs/predict', help='folder of the results (default: %(default)s)')
    parser.add_argument(
        '--score-thr', type=float, help='leave out heads with a lower score (default: the model decides)'
    )
    parser.add_argument('--boxes', action='store_true', help='draw boxes too')
    parser.add_argument('--no-pictures', action='store_true', help='write numbers only')
    parser.add_argument('--resume', action='store_true', help='go on with the numbers that --out-dir holds')
    parser.add_argument(
        '--max-pixels',
        type=whole_number,
        metavar='N',
        help=f'most pixels of an image (default: {MAX_PIXELS:,}, 1.6 GB decoded)',
    )
    parser.add_argument('--device', help="'cpu', 'cuda:0', ... (default: a GPU if there is one)")
    args = parser.parse_args()
    check_weights_given(args.model, args.weights)
    crowd = CrowdInferencer(
        args.model, args.weights, device=args.device, score_thr=args.score_thr, max_pixels=args.max_pixels
    )
    if crowd.zoo_model is not None:
        print(f'model {crowd.zoo_model.name}: {crowd.zoo_model.trained_on}')
    try:
        results, failures = predict_folder(
            crowd, args.images, args.out_dir, args.boxes, pictures=not args.no_pictures, resume=args.resume
        )
    except KeyboardInterrupt:
        parser.exit(130, f'\n{parser.prog}: stopped; {args.out_dir} holds what was found, --resume goes on\n')
    total = sum(result.count for result in results)
    print(f'{total:,.6g} heads in {len(results)} images, written to {printable(args.out_dir)}')
    if failures:
        print(f'{len(failures)} images were left out: {failures[0]}{" ..." if len(failures) > 1 else ""}')
    return 1 if failures else 0


if __name__ == '__main__':
    run_tool(main)
