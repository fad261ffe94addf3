"""Give every head of an image a box from a few drawn by hand, on a local page or in one go.

The page: python tools/label_heads.py --data IMAGES [--points annotations.json]
In one go: python tools/label_heads.py --data IMAGES --points annotations.json --presets presets.json --out boxes.json
"""

import sys

from mmcrowd_command.tool import FORMATS, ToolParser, run_tool, whole_number

TARGETS = ('coco', 'json', 'mot', 'voc', 'yolo')


def parser() -> ToolParser:
    made = ToolParser(
        description=__doc__.splitlines()[0],
        epilog='Exit code: 0 all labelled, 1 something was left out (a line says what), 2 nothing could be done.',
    )
    made.add_argument('--data', help='folder of the images (not needed where --points is a config)')
    made.add_argument('--points', help='annotations with a point per head, or a config whose data sets are read')
    made.add_argument('--points-format', default='json', help=f'{", ".join(FORMATS)}; default: json')
    made.add_argument('--split', help="of the config, such as 'train'; default: all of them")
    made.add_argument('--presets', help='annotations with boxes; default: the boxes that are in --points')
    made.add_argument('--presets-format', default='json', help='such as labelme, coco, cvat, via, mot, csv')
    made.add_argument(
        '--scenes',
        choices=('image', 'folder', 'group', 'all'),
        default='image',
        help="which images share presets: none, those of a folder, those of one 'group', or all",
    )
    made.add_argument(
        '--method', choices=('combined', 'perspective', 'two_nearest'), default='combined', help='default: %(default)s'
    )
    batch = made.add_argument_group('in one go')
    batch.add_argument('--out', help='annotations to write, a file or (mot, voc, yolo) a folder')
    batch.add_argument('--to', choices=TARGETS, default='json', help='default: %(default)s')
    batch.add_argument('--report', help='folder that gets report.json, maps of sizes and pictures')
    page = made.add_argument_group('the page')
    page.add_argument('--work-dir', help='where the work is saved; default: .labels in the folder of the images')
    page.add_argument('--host', default='127.0.0.1', help='address to listen on; others than loopback need a token')
    page.add_argument('--port', type=whole_number, default=8765, help='default: %(default)s')
    page.add_argument('--config', help='of a model that proposes heads, or the name of one (crowd_count_lite)')
    page.add_argument('--weights', help='of that model; a model with a name has its own')
    page.add_argument('--device', help="of that model, such as 'cpu'")
    return made


def main() -> int:
    options = parser()
    args = options.parse_args()
    if args.out and not args.points:
        options.error('--out needs --points')
    if not args.data and not (args.points or '').endswith('.py'):
        options.error('--data is needed: the folder of the images')
    if (args.weights is not None and args.config is None) or ((args.config or '').endswith('.py') and not args.weights):
        options.error('--config and --weights belong together')
    return label(args) if args.out else serve(args)


def label(args) -> int:
    from mmcrowd.apis.labeling import label_collection, presets_of, read_heads, read_tolerantly, write_report
    from mmcrowd.datasets.formats import format_named
    from mmcrowd.utils.files import printable

    faults, presets = [], None
    heads, folder = read_heads(args.points, args.points_format, args.data, args.split, faults)
    if args.presets:
        presets = presets_of(read_tolerantly(args.presets, args.presets_format, folder, faults))
    made = label_collection(heads, folder, presets, args.scenes, args.method, progress=True)
    # Clipped boxes have other centres than their points; who asks for a format of boxes gets boxes.
    format_named(args.to).write(made.collection, args.out, folder, lossy=True)
    made.faults[:0] = faults
    for line in made.notes:
        print(printable(line), file=sys.stderr)
    if args.report:
        print(f'{write_report(made, args.report, folder)}: report')
    images = made.collection.images
    pseudo = sum(len(image.extra['pseudo_boxes']) for image in images)
    print(f'{args.out}: {len(images)} images, {sum(map(len, images))} heads, {pseudo} interpolated')
    return 1 if made.faults else 0


def serve(args) -> int:
    from mmcrowd.apis.labeling import LabelStore, presets_of, read_heads, read_tolerantly, serve

    faults, heads, folder, presets, propose = [], None, args.data, None, None
    if args.points:
        heads, folder = read_heads(args.points, args.points_format, args.data, args.split, faults)
    if args.presets:
        presets = presets_of(read_tolerantly(args.presets, args.presets_format, folder, faults))
    store = LabelStore(folder, heads, presets, args.work_dir, args.scenes, args.method)
    store.notes[:0] = faults
    if args.config:
        from mmcrowd.apis import CrowdInferencer

        crowd = CrowdInferencer(args.config, args.weights, args.device)

        def propose(path: str):
            return crowd.predict(path).points

    serve(store, propose, args.host, args.port)
    return 0


if __name__ == '__main__':
    run_tool(main)
