"""Find the heads in an image or in a folder of images.

Writes one overlay picture per image, predictions.json (all heads) and counts.csv (one row per image).
A config is a Python program: use configs and weights you trust.
"""

import argparse
import sys

from mmcrowd.apis import CrowdInferencer, predict_folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('images', help='image file, or folder of images')
    parser.add_argument('config', help='config file of the model')
    parser.add_argument('weights', help='checkpoint of the model')
    parser.add_argument('--out-dir', default='work_dirs/predict', help='folder of the results (default: %(default)s)')
    parser.add_argument(
        '--score-thr', type=float, help='leave out heads with a lower score (default: the model decides)'
    )
    parser.add_argument('--boxes', action='store_true', help='draw boxes too')
    parser.add_argument('--device', help="'cpu', 'cuda:0', ... (default: a GPU if there is one)")
    args = parser.parse_args()
    try:
        crowd = CrowdInferencer(args.config, args.weights, device=args.device, score_thr=args.score_thr)
        results, failures = predict_folder(crowd, args.images, args.out_dir, with_boxes=args.boxes)
    except (FileNotFoundError, ValueError) as error:
        parser.exit(2, f'{parser.prog}: {error}\n')
    total = sum(result.count for result in results)
    print(f'{total:,.6g} heads in {len(results)} images, written to {args.out_dir}')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
