"""The data sets a tool works on: those of a config, or a folder of somebody's own."""

from pathlib import Path

from mmengine.registry import init_default_scope

from mmcrowd.datasets import CrowdDataset
from mmcrowd.registry import DATASETS
from mmcrowd.utils.configs import read_config

SPLITS = ('train', 'val', 'test')
_ANNOTATIONS = ('.csv', '.json', '.txt', '.xml')


def dataset_configs(
    source: str | Path,
    format: str = 'json',
    ann_file: str = 'annotations.json',
    img_folder: str = 'images',
    data_root: str | Path | None = None,
    split: str | None = None,
) -> dict[str, dict]:
    """Configs of data sets without pipelines.

    Args:
        source: A config file with ``<split>_dataloader``, or a folder with images and annotations.
        format: Format of the annotations in a folder.
        ann_file: Annotations in the folder.
        img_folder: Images in the folder.
        data_root: Folder of the data set, in place of the one in the config.
        split: Split of the loader, in place of those in the config: one data set of this name, whole.

    Returns:
        Split -> config; equal ones once, 'all' for a folder.

    Raises:
        FileNotFoundError: The source does not exist.
        ValueError: The config has no loader, or the source is a file of annotations.
    """
    source = Path(source)
    if source.is_dir():
        own = dict(type='mmcrowd.CustomCrowd', data_root=str(source), format=format)
        return dict(all=dict(own, ann_file=ann_file, img_folder=img_folder, pipeline=[]))
    if not source.is_file():
        raise FileNotFoundError(f'{source}: no such file or folder, expected a config or a folder with images')
    if source.suffix in _ANNOTATIONS:
        raise ValueError(
            f'{source}: a file of annotations, expected the folder that holds it and the images: '
            f'{source.parent} --ann-file {source.name}'
        )
    cfg = read_config(source)
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    found: dict[str, dict] = {}
    for name in SPLITS:
        loader = cfg.get(f'{name}_dataloader')
        if loader is None:
            continue
        config = dict(loader['dataset'].to_dict(), pipeline=[], test_mode=False)
        if data_root is not None:
            config['data_root'] = str(data_root)
        if split is not None:
            name = split
            config = {key: value for key, value in config.items() if key != 'subset'} | dict(split=split)
        if config not in found.values():
            found[name] = config
    if not found:
        raise ValueError(f'{source}: expected a config with train_dataloader, val_dataloader or test_dataloader')
    return found


def read_samples(config: dict) -> tuple[CrowdDataset, list[dict]]:
    """A data set that is not checked yet, and its samples as the loader reads them."""
    init_default_scope('mmdet')
    dataset = DATASETS.build(dict(config, lazy_init=True))
    return dataset, dataset.load_data_list()
