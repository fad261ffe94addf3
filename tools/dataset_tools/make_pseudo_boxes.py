"""Give the heads of a point-annotated data set boxes, by a trained head-scale network or by their distances.

Writes one annotation file in mmcrowd's format per split. Boxes that are annotated stay as they are.
"""

import argparse
from pathlib import Path

from mmengine.utils import track_iter_progress

from mmcrowd.apis.data_tools import HeadSizer, add_pseudo_boxes, dataset_configs, nearest_head_boxes, read_samples
from mmcrowd.datasets.formats import FORMATS, native


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('source', help='config file, or folder with images and annotations')
    parser.add_argument('out_dir', help='gets <split>.json, for a folder all.json')
    parser.add_argument('--config', help='of the head-scale network; without it, boxes follow from the nearest heads')
    parser.add_argument('--weights', help='of the head-scale network')
    parser.add_argument('--device', help="such as 'cpu' or 'cuda:0' (default: a GPU if there is one)")
    parser.add_argument('--format', choices=sorted(FORMATS), default='json', help='of a folder (default: %(default)s)')
    parser.add_argument('--ann-file', default='annotations.json', help='in the folder (default: %(default)s)')
    parser.add_argument('--img-folder', default='images', help='in the folder (default: %(default)s)')
    parser.add_argument('--data-root', help='folder of the data set, in place of the one in the config')
    args = parser.parse_args()
    if (args.config is None) != (args.weights is None):
        parser.error('--config and --weights belong together')
    try:
        configs = dataset_configs(args.source, args.format, args.ann_file, args.img_folder)
        make_boxes = HeadSizer(args.config, args.weights, args.device) if args.config else nearest_head_boxes
        for split, config in configs.items():
            if args.data_root:
                config = dict(config, data_root=args.data_root)
            write_split(Path(args.out_dir) / f'{split}.json', config, make_boxes)
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(str(error)) from error


def write_split(target: Path, config: dict, make_boxes) -> None:
    """Write the annotation file of one split."""
    dataset, samples = read_samples(config)
    made = add_pseudo_boxes(track_iter_progress(samples), make_boxes, dataset.data_root, dataset.metainfo['classes'])
    native.write(made, target)
    heads, pseudo = sum(map(len, made.images)), sum(len(image.extra['pseudo_boxes']) for image in made.images)
    print(f'\n{target}: {len(made.images)} images in {dataset.data_root}, {heads} heads, {pseudo} pseudo boxes')


if __name__ == '__main__':
    main()
