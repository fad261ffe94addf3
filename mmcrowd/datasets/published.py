"""Published sizes of the data sets, to check a download against."""

from .crowd_dataset import CrowdDataset

SIZES: dict[str, list[tuple[int, int | None]]] = {
    'ShanghaiTech A train': [(300, 162413), (300, 162707)],
    'ShanghaiTech A test': [(182, 78862), (182, 78970)],
    'ShanghaiTech B train': [(400, 49151), (400, 49280)],
    'ShanghaiTech B test': [(316, 39121), (316, 39208)],
    'UCFQNRF train': [(1201, 1011515)],
    'UCFQNRF test': [(334, 240127)],
    'UCFCC50 all': [(50, 63974)],
    'NWPUCrowd train': [(3109, None)],
    'NWPUCrowd val': [(500, 196238)],
    'NWPUCrowd test': [(1500, None)],
    'JHUCrowd train': [(2272, None)],
    'JHUCrowd val': [(500, None)],
    'JHUCrowd test': [(1600, None)],
    'FDST train': [(9000, None)],
    'FDST test': [(6000, None)],
    'WorldExpo10 train': [(3380, None)],
    'WorldExpo10 test': [(600, None), (599, None)],
    'Mall train': [(800, None)],
    'Mall test': [(1200, None)],
    'Mall all': [(2000, 62325)],
    'TRANCOS train': [(403, None)],
    'TRANCOS val': [(420, None)],
    'TRANCOS test': [(421, None)],
    'SCUTHead A trainval': [(1500, 50101)],
    'SCUTHead A test': [(500, 17217)],
    'SCUTHead A all': [(2000, 67318)],
    'SCUTHead B trainval': [(1905, 34484)],
    'SCUTHead B test': [(500, 9446)],
    'SCUTHead B all': [(2405, 43930)],
    'CroHD train': [(5741, None)],
    'CrowdHumanHeads train': [(15000, None)],
    'CrowdHumanHeads val': [(4370, None)],
    'BeijingBRT train': [(720, 9483)],
    'BeijingBRT test': [(560, 7312)],
}
"""Loader, part, split -> the sizes that are around: images, and heads (None where the splits' heads are not published).
ShanghaiTech has two revisions of its annotations; one test scene of WorldExpo'10 may lack a frame."""


def published_sizes(dataset: CrowdDataset) -> list[tuple[int, int | None]]:
    """Sizes of the data set's split, an empty list if none are known or it is a subset."""
    if getattr(dataset, 'subset', None) is not None:
        return []
    words = [type(dataset).__name__, getattr(dataset, 'part', ''), getattr(dataset, 'split', '')]
    return SIZES.get(' '.join(word for word in words if word), [])
