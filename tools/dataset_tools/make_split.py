"""Divide a data set in mmcrowd's own format into parts of alike counts; groups, and images alike, are never parted."""

from pathlib import Path

from mmcrowd_command.tool import ToolParser, run_tool, whole_number


def main() -> None:
    parser = ToolParser(description=__doc__)
    parser.add_argument('source', help='annotation file')
    parser.add_argument('--out-dir', required=True, help='folder of the files to write, <name>.json')
    parser.add_argument('--names', nargs='+', default=['train', 'val', 'test'], help='default: train val test')
    parser.add_argument('--ratios', nargs='+', type=float, default=[0.8, 0.1, 0.1], help='default: 0.8 0.1 0.1')
    parser.add_argument('--seed', type=whole_number, default=0, help='default: %(default)s')
    parser.add_argument('--by-folder', action='store_true', help='keep the images of a folder together')
    parser.add_argument('--images', help="folder of the images (default: 'images' beside the annotation file)")
    parser.add_argument('--no-images', action='store_true', help='do not look for images that show the same')
    args = parser.parse_args()

    from mmcrowd.apis.data_tools import make_split

    images = None if args.no_images else args.images or Path(args.source).parent / 'images'
    made = make_split(args.source, args.out_dir, args.names, args.ratios, args.seed, args.by_folder, images)
    for name, part in made.items():
        print(f'{name}: {len(part.images)} images, {sum(len(image) for image in part.images)} heads')


if __name__ == '__main__':
    run_tool(main)
