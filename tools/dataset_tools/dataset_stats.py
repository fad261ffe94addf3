"""Describe a data set: heads per image, distances between them, their sizes and places; a figure and a JSON file."""

from mmcrowd_command.tool import FORMATS, ToolParser, run_tool


def main() -> None:
    parser = ToolParser(description=__doc__)
    parser.add_argument('source', help='config file, or folder with images and annotations')
    parser.add_argument('--format', choices=FORMATS, default='json', help='of a folder (default: %(default)s)')
    parser.add_argument('--ann-file', default='annotations.json', help='in the folder (default: %(default)s)')
    parser.add_argument('--img-folder', default='images', help='in the folder (default: %(default)s)')
    parser.add_argument('--data-root', help='folder of the data set, in place of the one in the config')
    parser.add_argument('--split', help='split of the data set, in place of those in the config')
    parser.add_argument('--out-dir', default='work_dirs/dataset_stats', help='default: %(default)s')
    args = parser.parse_args()

    from mmcrowd.apis.data_tools import dataset_configs, dataset_stats, read_samples, save_stats

    configs = dataset_configs(args.source, args.format, args.ann_file, args.img_folder, args.data_root, args.split)
    stats = {split: dataset_stats(read_samples(config)[1]) for split, config in configs.items()}
    for path in save_stats(stats, args.out_dir):
        print(path)


if __name__ == '__main__':
    run_tool(main)
