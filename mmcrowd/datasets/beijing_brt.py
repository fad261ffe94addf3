"""Beijing-BRT (Ding et al., ICASSP 2018)."""

from pathlib import Path

from mmcrowd.registry import DATASETS

from .crowd_dataset import list_files, make_heads, pair_files
from .indexed_dataset import IndexedDataset
from .layout import existing_folder
from .readers import mat_points


@DATASETS.register_module()
class BeijingBRT(IndexedDataset):
    """Beijing-BRT, 720 training and 560 test images of 360x640 pixels, 16,795 heads.

    Looks in ``data_root``, or in ``Beijing-BRT-dataset`` in it, for ``train`` and ``test`` with ``frame/<id>.jpg`` and
    ``ground_truth/<id>.mat`` (``loc``). ``img_id`` is the id. Where there is a ``pMapN.mat``, samples have its path as
    ``perspective_file`` (see :func:`~mmcrowd.datasets.roi.read_perspective`).

    Args:
        kwargs: As :class:`IndexedDataset`.
    """

    published = {
        'train': [(720, 9483)],
        'test': [(560, 7312)],
    }

    def index_inputs(self) -> list[Path]:
        """The folder of the split."""
        return [existing_folder(self.data_root, f'Beijing-BRT-dataset/{self.split}', self.split)]

    def read_samples(self) -> list[dict]:
        """Read one annotation file per image."""
        (folder,) = self.index_inputs()
        images = {path.stem: path for path in list_files(folder / 'frame', '*.jpg')}
        files = {path.stem: path for path in list_files(folder / 'ground_truth', '*.mat')}
        maps = [path for parent in (folder, folder.parent) for path in parent.glob('pMapN.mat')]
        files.pop('pMapN', None)
        extra = dict(perspective_file=str(maps[0])) if maps else {}
        return [
            dict(img_path=str(image), img_id=name, heads=make_heads(mat_points(file, 'loc'), source=file), **extra)
            for name, image, file in pair_files(images, files)
        ]
