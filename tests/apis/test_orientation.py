"""A turned picture is seen in one frame, pixel by pixel, whatever its kind and whichever way it comes in."""

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image
from spots import spots_config

from mmcrowd.apis import CrowdInferencer, iterate_split
from mmcrowd.apis.data_tools.image_scan import scan_image
from mmcrowd.engine.hooks.visualization_hook import original_image
from mmcrowd.registry import DATASETS, MODELS
from mmcrowd.utils.picture_headers import readable_formats
from mmcrowd.utils.pictures import image_size, read_image

STORED = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}
"""How a camera stores an upright picture under each orientation: the inverse of what a viewer does."""


@pytest.fixture(scope='module')
def upright() -> np.ndarray:
    """BGR, 48 x 32, of blocks of 16 pixels that no turn and no mirror maps to another arrangement; one is white."""
    levels = np.uint8([[[20, 40, 200], [200, 30, 30], [255, 255, 255]], [[30, 190, 40], [120, 120, 120], [0, 0, 0]]])
    return levels.repeat(16, 0).repeat(16, 1)


def save(path, pixels: np.ndarray, orientation: int) -> None:
    picture, exif = Image.fromarray(np.ascontiguousarray(pixels[..., ::-1])), Image.Exif()
    exif[0x0112] = orientation
    if path.suffix == '.tif':
        picture.save(path, tiffinfo={0x0112: orientation})
    else:
        options = dict(lossless=True) if path.suffix == '.webp' else dict(subsampling='4:4:4')
        picture.save(path, exif=exif.tobytes(), quality=100, **options)


@pytest.fixture(scope='module')
def finder() -> CrowdInferencer:
    """An inferencer whose map is white where the picture is."""
    cfg = spots_config()
    model = MODELS.build(cfg.model)
    model.cfg = cfg
    return CrowdInferencer(model)


@pytest.fixture(scope='module', params=['.jpg', '.png', '.webp', '.tif', '.avif', '.heic'])
def pictures(request, tmp_path_factory, upright) -> list:
    """One picture under each orientation, and a head in its white block, seen in training, in testing and by browsing.

    Pairs of a path and a dict of samples.
    """
    suffix, folder = request.param, tmp_path_factory.mktemp('pictures')
    if dict(avif='AVIF', heic='HEIF').get(suffix[1:], 'JPEG') not in readable_formats():
        pytest.skip(f'the installed Pillow reads no {suffix}')
    for orientation, stored in STORED.items():
        save(folder / f'{orientation}{suffix}', stored(upright), orientation)
    (folder / 'a.csv').write_text('image,x,y\n' + ''.join(f'{o}{suffix},40,8\n' for o in STORED))
    pipeline = [dict(type='LoadImageFromFile'), dict(type='mmcrowd.LoadHeads'), dict(type='mmcrowd.PackCrowdInputs')]
    source = dict(data_root=str(folder), format='csv', ann_file='a.csv', img_folder='.')
    config = dict(source, type='mmcrowd.CustomCrowd', pipeline=pipeline)
    training, testing = DATASETS.build(config), DATASETS.build(dict(config, test_mode=True))
    browsing = iterate_split(Config(dict(train_dataloader=dict(dataset=config))), 'train')
    return [
        (folder / f'{o}{suffix}', dict(training=training[i], testing=testing[i], browsing=next(browsing)))
        for i, o in enumerate(STORED)
    ]


@pytest.mark.parametrize('orientation', STORED)
def test_one_frame(pictures, upright, finder, orientation: int) -> None:
    path, samples = pictures[orientation - 1]
    sample = samples['testing']['data_samples']
    seen = dict(
        reader=read_image(path),
        training=samples['training']['inputs'].permute(1, 2, 0).numpy(),
        testing=samples['testing']['inputs'].permute(1, 2, 0).numpy(),
        browsing=samples['browsing'][0][..., ::-1],
        pictures=original_image(samples['testing']['inputs'], sample)[..., ::-1],
    )
    for way, pixels in seen.items():
        assert pixels.shape == upright.shape, way
        assert np.abs(pixels.astype(int) - upright).max() <= 4, way
    assert sample.gt_instances.points.tolist() == [[40, 8]]
    height, width = upright.shape[:2]
    assert image_size(path) == scan_image(path).size == (width, height)
    result = finder.predict(path, return_map=True)
    assert result.size == (width, height)
    np.testing.assert_array_equal(result.maps['white'][0, :height, :width], upright.min(axis=2) > 250)
