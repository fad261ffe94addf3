"""ShanghaiTech: folder spellings, annotation files, splits; with $MMCROWD_DATA also the real numbers."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from scipy.io import savemat

from mmcrowd.datasets.readers import mat_points
from mmcrowd.datasets.shanghaitech import _CSRNET_VAL, ShanghaiTech
from mmcrowd.registry import DATASETS


def cell(content) -> np.ndarray:
    wrapped = np.empty((1, 1), dtype=object)
    wrapped[0, 0] = content
    return wrapped


def write_mat(path: Path, points) -> None:
    points = np.asarray(points, dtype=np.float64)
    savemat(path, dict(image_info=cell(dict(location=points, number=float(len(points))))))


def write_part(
    root: Path, points: dict, part: str = 'part_A', truth: str = 'ground-truth', split: str = 'train_data'
) -> Path:
    """Write a part with images of the numbers in ``points``."""
    folder = root / part / split
    (folder / 'images').mkdir(parents=True)
    (folder / truth).mkdir()
    for number, xy in points.items():
        cv2.imwrite(str(folder / 'images' / f'IMG_{number}.jpg'), np.zeros((32, 48, 3), np.uint8))
        write_mat(folder / truth / f'GT_IMG_{number}.mat', xy)
    return folder


def ids(dataset: ShanghaiTech) -> list[int]:
    return [dataset.get_data_info(i)['img_id'] for i in range(len(dataset))]


@pytest.mark.parametrize('empty', [np.zeros((0, 0)), np.zeros((0, 2))])
def test_annotation_without_heads(tmp_path, empty):
    write_mat(tmp_path / 'a.mat', empty)
    assert mat_points(tmp_path / 'a.mat', 'image_info', 'location').shape == (0, 2)


@pytest.mark.parametrize('points', [[[1.25, 2.5]], [[1.25, 2.5], [3.75, -4.0], [0.5, 0.5]]])
@pytest.mark.parametrize('nesting', ['cell of struct', 'struct', 'cell of cell'])
def test_annotation_spellings(tmp_path, nesting, points):
    struct = dict(location=np.array(points), number=float(len(points)))
    info = {'cell of struct': cell(struct), 'struct': struct, 'cell of cell': cell(cell(struct))}[nesting]
    savemat(tmp_path / 'a.mat', dict(image_info=info))
    np.testing.assert_array_equal(mat_points(tmp_path / 'a.mat', 'image_info', 'location'), points)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (
            dict(annPoints=np.ones((1, 2)), other=1.0),
            r"a\.mat: expected 'image_info' in the file, found \['annPoints', 'other'\]",
        ),
        (
            dict(image_info=cell(dict(number=1.0))),
            r"a\.mat: expected 'location' in image_info, found \['number'\]",
        ),
        (dict(image_info=np.ones((4, 2))), r"a\.mat: expected 'location' in image_info, found \[\]"),
        (b'', r'a\.mat: expected a MATLAB file'),
        (b'not a matlab file, but long enough to have a header ' * 8, r'a\.mat: expected a MATLAB file'),
    ],
)
def test_bad_annotation_is_named(tmp_path, content, message):
    path = tmp_path / 'a.mat'
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        savemat(path, content)
    with pytest.raises(ValueError, match=message):
        mat_points(path, 'image_info', 'location')


@pytest.mark.parametrize('length', [100, 150, 300, 420])
def test_truncated_annotation_is_named(tmp_path, length):
    path = tmp_path / 'a.mat'
    write_mat(path, np.ones((50, 2)))
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError, match=r'a\.mat: expected'):
        mat_points(path, 'image_info', 'location')


@pytest.mark.parametrize('part', ['part_A', 'part_A_final'])
@pytest.mark.parametrize('truth', ['ground-truth', 'ground_truth'])
def test_folder_spellings_and_order(tmp_path, part, truth):
    folder = write_part(tmp_path, {10: [[1, 2]], 9: np.zeros((0, 0)), 2: [[3, 4], [5, 6]]}, part, truth)
    (folder / 'images' / '000.png').touch()
    (folder / 'images' / 'Thumbs.db').touch()
    dataset = ShanghaiTech(str(tmp_path))
    assert ids(dataset) == [2, 9, 10]
    assert [len(dataset.get_data_info(i)['heads']) for i in range(3)] == [2, 0, 1]
    np.testing.assert_array_equal(dataset.get_data_info(2)['heads'][0, :2], [1, 2])


@pytest.mark.parametrize(('points', 'revision'), [([[-2.0, 3]], 'final'), ([[2.0, 3]], 'unknown')])
def test_revision_of_an_incomplete_copy(tmp_path, points, revision):
    write_part(tmp_path, {1: points})
    assert ShanghaiTech(str(tmp_path)).metainfo['revision'] == revision


def test_missing_folders_and_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='expected a folder named part_B or part_B_final in it'):
        ShanghaiTech(str(tmp_path), part='B')
    folder = write_part(tmp_path, {1: [[1, 2]], 2: [[1, 2]]})
    with pytest.raises(FileNotFoundError, match='part_A: expected a folder named test_data in it'):
        ShanghaiTech(str(tmp_path), split='test')
    (folder / 'images' / 'IMG_2.jpg').unlink()
    with pytest.raises(FileNotFoundError, match=r'GT_IMG_2\.mat: no image belongs to this file'):
        ShanghaiTech(str(tmp_path))
    (folder / 'ground-truth' / 'GT_IMG_1.mat').unlink()
    (folder / 'images' / 'IMG_2.jpg').touch()
    with pytest.raises(FileNotFoundError, match=r'IMG_1\.jpg: no annotation belongs to this file'):
        ShanghaiTech(str(tmp_path))
    (folder / 'images' / 'IMG_x.jpg').touch()
    with pytest.raises(ValueError, match=r'IMG_x\.jpg: expected a file name like IMG_12\.jpg'):
        ShanghaiTech(str(tmp_path))


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(part='C'), "part must be one of .* got 'C'"),
        (dict(split='val'), "split must be one of .* got 'val'"),
        (dict(subset='test'), "subset must be one of .* got 'test'"),
        (dict(split='test', subset='val'), "expected split='train'"),
        (dict(val_split='iim'), "val_split must be 'csrnet' or a fraction between 0 and 1, got 'iim'"),
        (dict(val_split=1.5), 'got 1.5'),
    ],
)
def test_bad_arguments(tmp_path, kwargs, message):
    with pytest.raises(ValueError, match=message):
        ShanghaiTech(str(tmp_path), **kwargs)


def test_validation_split_is_fixed_and_stratified(tmp_path):
    """One image of every five of similar count, whatever the order of their numbers."""
    counts = {number: (number * 7) % 20 for number in range(1, 21)}
    write_part(tmp_path, {number: [[1, 2]] * count for number, count in counts.items()})
    val = ids(ShanghaiTech(str(tmp_path), subset='val', val_split=0.2))
    train = ids(ShanghaiTech(str(tmp_path), subset='train', val_split=0.2))
    assert val == ids(ShanghaiTech(str(tmp_path), subset='val', val_split=0.2))
    assert sorted(counts[number] // 5 for number in val) == [0, 1, 2, 3]
    assert sorted(train + val) == list(range(1, 21))


def test_csrnet_split(tmp_path):
    write_part(tmp_path, {number: [[1, 2]] for number in (1, 2, 3, 20, 280, 299)})
    assert ids(ShanghaiTech(str(tmp_path), subset='val', val_split='csrnet')) == [3, 20, 299]
    assert ids(ShanghaiTech(str(tmp_path), subset='train', val_split='csrnet')) == [1, 2]


@pytest.mark.parametrize('name', ['shanghaitech_a', 'shanghaitech_b'])
def test_config_loads_every_split(repo_root, tmp_path, name):
    part = f'part_{name[-1].upper()}'
    for split in ('train_data', 'test_data'):
        write_part(tmp_path, {number: [[1, 2], [30, 20]] for number in range(1, 11)}, part, split=split)
    config = Config.fromfile(repo_root / 'configs' / '_base_' / 'datasets' / f'{name}.py')
    sizes = []
    for split in ('train', 'val', 'test'):
        dataset = DATASETS.build(dict(config[f'{split}_dataloader']['dataset'], data_root=str(tmp_path)))
        sizes.append(len(dataset))
        sample = dataset[0]['data_samples']
        assert len(sample.gt_instances.points) == 2
    assert sizes == [9, 1, 10]


# ------------------------------------------------------------------- real data


@pytest.fixture
def real(data_root) -> str:
    root = data_root / 'shanghaitech'
    if not root.is_dir():
        pytest.skip(f'{root} not found')
    return str(root)


REAL = [
    ('A', 'train', 300, {162413: '2016-11', 162707: 'final'}),
    ('A', 'test', 182, {78862: '2016-11', 78970: 'final'}),
    ('B', 'train', 400, {49151: '2016-11', 49280: 'final'}),
    ('B', 'test', 316, {39121: '2016-11', 39208: 'final'}),
]


@pytest.mark.parametrize(('part', 'split', 'images', 'heads'), REAL)
def test_published_numbers(real, part, split, images, heads):
    if not any((Path(real) / f'part_{part}{end}').is_dir() for end in ('', '_final')):
        pytest.skip(f'part {part} is not in {real}')
    dataset = ShanghaiTech(real, part=part, split=split)
    total = sum(len(dataset.get_data_info(i)['heads']) for i in range(len(dataset)))
    assert len(dataset) == images
    assert heads[total] == dataset.metainfo['revision']


def test_real_validation_splits(real):
    sizes = [
        len(ShanghaiTech(real, subset=subset, val_split=val_split))
        for val_split in (0.1, 'csrnet')
        for subset in ('train', 'val')
    ]
    assert sizes == [270, 30, 240, 59]


@pytest.mark.parametrize('part', ['A', 'B'])
def test_csrnet_lists_are_the_published_ones(samples_root, part):
    published = (samples_root / 'sht' / f'csrnet_part_{part}_val.txt').read_text().split()
    assert _CSRNET_VAL[part].split() == [name.removeprefix('IMG_') for name in published]
