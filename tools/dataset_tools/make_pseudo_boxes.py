"""Give the heads of a point-annotated data set boxes, by a trained head-scale network or by their distances.

Writes one annotation file in mmcrowd's format per split. Boxes that are annotated stay as they are.
"""

from mmcrowd_command.tool import FORMATS, ToolParser, run_tool


def main() -> None:
    parser = ToolParser(description=__doc__)
    parser.add_argument('source', help='config file, or folder with images and annotations')
    parser.add_argument('out_dir', help='gets <split>.json, for a folder all.json')
    parser.add_argument('--config', help='of the head-scale network; without it, boxes follow from the nearest heads')
    parser.add_argument('--weights', help='of the head-scale network')
    parser.add_argument('--device', help="such as 'cpu' or 'cuda:0' (default: a GPU if there is one)")
    parser.add_argument('--format', choices=FORMATS, default='json', help='of a folder (default: %(default)s)')
    parser.add_argument('--ann-file', default='annotations.json', help='in the folder (default: %(default)s)')
    parser.add_argument('--img-folder', default='images', help='in the folder (default: %(default)s)')
    parser.add_argument('--data-root', help='folder of the data set, in place of the one in the config')
    args = parser.parse_args()
    if (args.config is None) != (args.weights is None):
        parser.error('--config and --weights belong together')

    from mmcrowd.apis.data_tools import HeadSizer, dataset_configs, nearest_head_boxes, write_pseudo_boxes

    configs = dataset_configs(args.source, args.format, args.ann_file, args.img_folder)
    if args.data_root:
        configs = {split: dict(config, data_root=args.data_root) for split, config in configs.items()}
    make_boxes = HeadSizer(args.config, args.weights, args.device) if args.config else nearest_head_boxes
    made = write_pseudo_boxes(configs, make_boxes, args.out_dir)
    for path, collection in made.items():
        heads = sum(map(len, collection.images))
        pseudo = sum(len(image.extra['pseudo_boxes']) for image in collection.images)
        print(f'{path}: {len(collection.images)} images, {heads} heads, {pseudo} pseudo boxes')


if __name__ == '__main__':
    run_tool(main)
