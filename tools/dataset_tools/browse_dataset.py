"""Draw what the network sees: augmented image, points, boxes, and target maps beside it."""

from mmcrowd_command.tool import ConfigOptions, ToolParser, run_tool, whole_number


def main() -> None:
    parser = ToolParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('--split', choices=['train', 'val', 'test'], default='train', help='default: %(default)s')
    parser.add_argument('--out-dir', default='work_dirs/browse', help='folder of the pictures (default: %(default)s)')
    parser.add_argument('--number', type=whole_number, help='how many samples (default: all)')
    parser.add_argument('--show', action='store_true', help='open a window for each')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='settings of the config, as key=value')
    args = parser.parse_args()

    from mmcrowd.apis import browse_dataset
    from mmcrowd.utils.configs import read_config

    cfg = read_config(args.config, args.cfg_options)
    written = browse_dataset(cfg, args.split, args.out_dir, args.number, args.show)
    print(f'{len(written)} pictures in {args.out_dir}')


if __name__ == '__main__':
    run_tool(main)
