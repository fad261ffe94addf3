"""From one annotation format to another: the body of ``tools/dataset_tools/convert.py``."""

from pathlib import Path

from mmcrowd.datasets.custom_crowd import check_images
from mmcrowd.datasets.formats import Collection, format_named


def convert_annotations(
    source: str | Path,
    target: str | Path,
    from_format: str,
    to_format: str = 'json',
    images: str | Path | None = None,
    lossy: bool = False,
    unlisted_empty: bool = False,
) -> Collection:
    """Read annotations and write them in another format.

    Args:
        source: Annotation file, or folder of annotation files.
        target: Annotation file or folder to write.
        from_format: See :data:`mmcrowd.datasets.formats.FORMATS`.
        to_format: Likewise.
        images: Folder of the images: needed by formats with relative coordinates; sizes are checked against it.
        lossy: Write also what the target format cannot hold wholly.
        unlisted_empty: Take images of the folder that have no entry as images without heads.

    Returns:
        What was converted; ``notes`` counts what the reader left out or guessed, ``unlisted`` has the images without
        entry.

    Raises:
        ValueError: The source is not in its format, contradicts its images, or the target cannot hold it.
        FileNotFoundError: Files are missing.
    """
    reader, writer = format_named(from_format), format_named(to_format)
    collection = reader.read(source, images, unlisted_empty)
    if images is not None:
        check_images(collection, Path(images), source)
    writer.write(collection, target, images, lossy)
    return collection
