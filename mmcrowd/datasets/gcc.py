"""GCC, GTA5 Crowd Counting (Wang et al., CVPR 2019)."""

from pathlib import Path

from mmcrowd.registry import DATASETS

from .crowd_dataset import make_heads
from .indexed_dataset import IndexedDataset
from .layout import existing_file, own_folder
from .readers import mat_points, read_lines

_LISTS = dict(random='', camera='cross_camera_', location='cross_location_')


@DATASETS.register_module()
class GCC(IndexedDataset):
    """GCC, 15,212 images of 1920x1080 pixels from a video game in 400 scenes, 7,625,843 heads.

    Looks in ``data_root``, or in ``GCC`` in it, for ``txt_list/[<setting>_]<split>_list.txt`` with lines ``level time
    weather folder name count``, and for ``<folder>/pngs/<name>.png`` with ``<folder>/mats/<name>.mat``
    (``image_info.location``, rows of y and x). ``img_id`` is '<folder>/<name>'. A sample also has ``scene``, ``level``,
    ``time`` and ``weather``, as the list says. A validation subset takes whole scenes.

    Args:
        setting: How training and test images were divided: 'random', by 'camera' or by 'location'.
        images: Name of the image folder of a scene.
        kwargs: As :class:`IndexedDataset`.
    """

    def __init__(self, data_root: str, *args, setting: str = 'random', images: str = 'pngs', **kwargs) -> None:
        if setting not in _LISTS:
            raise ValueError(f'setting must be one of {sorted(_LISTS)}, got {setting!r}')
        self.setting, self.images = setting, images
        super().__init__(data_root, *args, **kwargs)

    def group(self, sample: dict) -> str:
        """The scene."""
        return sample['scene']

    def index_inputs(self) -> list[Path]:
        """The folder of the data set."""
        return [own_folder(self.data_root, 'GCC')]

    def read_samples(self) -> list[dict]:
        """Read one annotation file per image on the list."""
        (root,), samples = self.index_inputs(), []
        file = existing_file(root, f'txt_list/{_LISTS[self.setting]}{self.split}_list.txt')
        for number, line in enumerate(read_lines(file), start=1):
            parts = line.replace('\\', '/').split()
            if len(parts) != 6:
                raise ValueError(
                    f'{file}, line {number}: expected level time weather folder name count, found {line!r}'
                )
            level, time, weather, folder, name, count = parts
            folder, stem = folder.strip('/'), Path(name).stem
            scene = folder.split('/')[0]
            annotation = existing_file(root, f'{scene}/mats/{stem}.mat')
            points = mat_points(annotation, 'image_info', 'location')[:, ::-1]
            self.notes['images whose number of heads is not that of the list'] += int(float(count)) != len(points)
            sample = dict(
                img_path=str(root / scene / self.images / f'{stem}.png'), img_id=f'{scene}/{stem}', scene=scene
            )
            sample.update(level=level, time=time, weather=weather, heads=make_heads(points, source=annotation))
            samples.append(sample)
        return samples
