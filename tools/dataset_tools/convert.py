"""Convert annotations from one format to another, by default to mmcrowd's own."""

from mmcrowd_command.tool import FORMATS, ToolParser, run_tool


def main() -> None:
    parser = ToolParser(description=__doc__)
    parser.add_argument('source', help='annotation file, or folder of annotation files')
    parser.add_argument('target', help='annotation file or folder to write')
    parser.add_argument('--from', dest='from_format', choices=FORMATS, required=True, help='format of the source')
    parser.add_argument('--to', dest='to_format', choices=FORMATS, default='json', help='default: %(default)s')
    parser.add_argument('--images', help='folder of the images')
    parser.add_argument('--lossy', action='store_true', help='write also what the format cannot hold wholly')
    parser.add_argument(
        '--unlisted-empty', action='store_true', help='take images of the folder without an entry as without heads'
    )
    args = parser.parse_args()

    from mmcrowd.apis.data_tools import convert_annotations
    from mmcrowd.utils.files import printable

    made = convert_annotations(
        args.source, args.target, args.from_format, args.to_format, args.images, args.lossy, args.unlisted_empty
    )
    for line in made.notes.lines():
        print(printable(line))
    if made.unlisted:
        first = printable(', '.join(made.unlisted[:5]))
        print(f'{len(made.unlisted)} images of the folder without an entry, left out (--unlisted-empty): {first}')
    heads = sum(len(image) for image in made.images)
    print(f'{args.target}: {len(made.images)} images, {heads} heads, classes {", ".join(made.classes)}')


if __name__ == '__main__':
    run_tool(main)
