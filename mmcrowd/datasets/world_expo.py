"""WorldExpo'10 (Zhang et al., CVPR 2015)."""

from pathlib import Path

import numpy as np

from mmcrowd.registry import DATASETS

from .crowd_dataset import list_files, make_heads
from .indexed_dataset import IndexedDataset
from .layout import files_by, own_folder
from .readers import as_rows, mat_points, mat_value, read_mat
from .roi import inside_polygon


@DATASETS.register_module()
class WorldExpo10(IndexedDataset):
    """WorldExpo'10, 3380 training frames of 103 scenes and 600 test frames of 5 scenes, 199,923 heads.

    Looks in ``data_root``, or in ``WorldExpo10`` in it, for ``train_frame/<frame>.jpg``,
    ``test_frame/<scene>/<frame>.jpg``, ``<split>_label/<scene>/<frame>.mat`` with ``point_position``,
    ``<split>_label/<scene>/roi.mat`` (a polygon) and ``<split>_perspective/<scene>.mat``; the scene is the first six
    characters of a frame's name. ``img_id`` is the frame's name. Frames without label are left out and counted. MATLAB
    files of version 7.3 take h5py.

    Only heads in the region of interest count. A sample has ``roi_polygon`` (K, 2) float32, its corners; ``scene``;
    and, where there is one, ``perspective_file`` (see :func:`~mmcrowd.datasets.roi.read_perspective`). Give the
    pipeline a MaskOutsideRoi. Figures of this data set are the mean over the five test scenes of each scene's MAE.

    Args:
        roi: Whether to drop the heads outside the region of interest.
        kwargs: As :class:`IndexedDataset`.
    """

    # One test scene may lack a frame.
    published = {
        'train': [(3380, None)],
        'test': [(600, None), (599, None)],
    }

    def __init__(self, data_root: str, *args, roi: bool = True, **kwargs) -> None:
        self.roi = roi
        super().__init__(data_root, *args, **kwargs)

    def index_inputs(self) -> list[Path]:
        """The folders of the split."""
        root = own_folder(self.data_root, 'WorldExpo10', "WorldExpo'10")
        perspective = root / f'{self.split}_perspective'
        folders = [root / f'{self.split}_frame', root / f'{self.split}_label']
        return folders + ([perspective] if perspective.is_dir() else [])

    def group(self, sample: dict) -> str:
        """The scene."""
        return sample['scene']

    def read_samples(self) -> list[dict]:
        """Read the region of each scene and one annotation file per frame."""
        frames, labels, *perspective = self.index_inputs()
        # Some copies were unpacked where a backslash is part of a file's name.
        files = files_by(lambda path: str(path.relative_to(labels)).replace('\\', '/'), list_files(labels, '**/*.mat'))
        regions = {key[:6]: self._read_region(path) for key, path in files.items() if Path(key).name == 'roi.mat'}
        files = files_by(_stem, [path for key, path in files.items() if Path(key).name != 'roi.mat'])
        samples = []
        for image in sorted(list_files(frames, '**/*.jpg'), key=lambda path: path.name):
            scene, file = image.name[:6], files.get(image.stem)
            if file is None:
                self.notes['frames without label, left out'] += 1
                continue
            if scene not in regions:
                raise FileNotFoundError(f'{labels}: expected {scene}/roi.mat, the region of interest of {image.name}')
            points, polygon = mat_points(file, 'point_position'), regions[scene]
            if self.roi:
                inside = inside_polygon(points, polygon)
                self.notes['heads outside the region of interest, dropped'] += int((~inside).sum())
                points = points[inside]
            sample = dict(img_path=str(image), img_id=image.stem, scene=scene, heads=make_heads(points, source=file))
            sample['roi_polygon'] = polygon.astype(np.float32)
            if perspective and (perspective[0] / f'{scene}.mat').is_file():
                sample['perspective_file'] = str(perspective[0] / f'{scene}.mat')
            samples.append(sample)
        return samples

    @staticmethod
    def _read_region(path: Path) -> np.ndarray:
        content = read_mat(path)
        corners = [mat_value(path, content, f'maskVertices{axis}Coordinates').reshape(-1) for axis in 'XY']
        if len(corners[0]) != len(corners[1]) or len(corners[0]) < 3:
            raise ValueError(f'{path}: expected three or more corners, found {len(corners[0])} x, {len(corners[1])} y')
        return as_rows(path, np.stack(corners, axis=1), 2, 'corners')


def _stem(path: Path) -> str:
    return Path(path.name.replace('\\', '/')).stem
