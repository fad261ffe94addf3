"""Check a data set: numbers against the published ones, images, points, boxes, images that two splits share."""

from mmcrowd_command.tool import FORMATS, ToolParser, run_tool


def main() -> int:
    parser = ToolParser(
        description=__doc__, epilog='Exit code: 0 nothing wrong (there may be warnings), 1 errors, 2 wrong arguments.'
    )
    parser.add_argument('source', help='config file, or folder with images and annotations')
    parser.add_argument('--format', choices=FORMATS, default='json', help='of a folder (default: %(default)s)')
    parser.add_argument('--ann-file', default='annotations.json', help='in the folder (default: %(default)s)')
    parser.add_argument('--img-folder', default='images', help='in the folder (default: %(default)s)')
    parser.add_argument('--data-root', help='folder of the data set, in place of the one in the config')
    parser.add_argument('--split', help='split of the data set, in place of those in the config')
    parser.add_argument('--out', help='JSON file to write the report to')
    parser.add_argument('--no-images', action='store_true', help='do not open the images')
    args = parser.parse_args()

    from mmcrowd.apis.data_tools import check_datasets, dataset_configs

    configs = dataset_configs(args.source, args.format, args.ann_file, args.img_folder, args.data_root, args.split)
    report = check_datasets(configs, images=not args.no_images)
    print(report.table())
    if args.out:
        report.save(args.out)
    return 0 if report.ok else 1


if __name__ == '__main__':
    run_tool(main)
