"""From one annotation format to another: the body of ``tools/dataset_tools/convert.py``."""

from pathlib import Path

from mmcrowd.datasets.custom_crowd import check_frame
from mmcrowd.datasets.formats import Collection, format_named


def convert_annotations(
    source: str | Path,
    target: str | Path,
    from_format: str,
    to_format: str = 'json',
    images: str | Path | None = None,
    lossy: bool = False,
) -> Collection:
    """Read annotations and write them in another format.

    Args:
        source: Annotation file, or folder of annotation files.
        target: Annotation file or folder to write.
        from_format: See :data:`mmcrowd.datasets.formats.FORMATS`.
        to_format: Likewise.
        images: Folder of the images: needed by formats with relative coordinates; sizes are checked against it.
        lossy: Write also what the target format cannot hold wholly.

    Returns:
        What was converted; ``notes`` counts what the reader left out or guessed.

    Raises:
        ValueError: The source is not in its format, contradicts its images, or the target cannot hold it.
        FileNotFoundError: Files are missing.
    """
    reader, writer = format_named(from_format), format_named(to_format)
    if not Path(source).exists():
        raise FileNotFoundError(f'{source}: no such file or folder, expected annotations there')
    collection = reader.read(source, images)
    if images is not None:
        problems = []
        for image in collection.images:
            path = Path(images) / image.img_path
            try:
                if not path.is_file():
                    raise FileNotFoundError(f'{path}: image file not found, but {source} has annotations of it')
                check_frame(path, image)
            except (FileNotFoundError, ValueError) as error:
                problems.append(str(error))
        if problems:
            more = f'\nand {len(problems) - 20} more' if len(problems) > 20 else ''
            raise ValueError('\n'.join(problems[:20]) + more)
    writer.write(collection, target, images, lossy)
    return collection
