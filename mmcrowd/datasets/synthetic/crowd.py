"""Synthetic crowds: a data set without a disk."""

from collections.abc import Sequence

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.logging import print_log

from mmcrowd.registry import DATASETS, TRANSFORMS

from ..crowd_dataset import CrowdDataset
from .scene import SceneSpec, render_scene


@TRANSFORMS.register_module()
class LoadSynthetic(BaseTransform):
    """Paint the picture of a :class:`SyntheticCrowd` sample, in the worker that asks for it.

    Reads ``scene``; writes ``img`` (h, w, 3) uint8 BGR, ``img_shape``, ``ori_shape``, ``heads`` (N, 6) float32,
    ``labels`` (N,) int64, ``visible`` (N,) float32 (visible share of each head) and ``num_hidden`` (people who are not
    annotated because their head is hidden).

    Raises:
        KeyError: The sample does not come from a SyntheticCrowd.
    """

    def transform(self, results: dict) -> dict:
        """Add the picture and its heads."""
        if 'scene' not in results:
            raise KeyError(
                f'{results.get("img_path")}: LoadSynthetic expected a sample of SyntheticCrowd, with the key "scene", '
                f'got the keys {sorted(results)}'
            )
        scene = render_scene(SceneSpec(**results['scene']), results['scene_index'])
        results.update(
            img=scene.img,
            img_shape=scene.img.shape[:2],
            ori_shape=scene.img.shape[:2],
            heads=scene.heads,
            labels=np.zeros(len(scene.heads), np.int64),
            visible=scene.visible,
            num_hidden=scene.num_hidden,
        )
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'


@DATASETS.register_module()
class SyntheticCrowd(CrowdDataset):
    """Crowds painted on the fly: perspective, overlap, clutter, light, exact points and boxes.

    People stand on a plane before a pinhole camera and are painted from far to near, among objects that resemble heads.
    A head is annotated if at least ``min_visible`` of its area can be seen. Its point is the centre of the head's
    ellipse, hair included; its box is the ellipse's bounds, clipped to the picture. A head cut by the border is
    annotated if its centre is inside.

    Sample ``index`` depends on the arguments and ``index`` only: it is the same in every process and epoch. Another
    ``seed`` gives other people in other places. Pipelines begin with :class:`LoadSynthetic` instead of
    LoadImageFromFile; ``heads`` and ``labels`` exist after it.

    Args:
        length: Number of pictures.
        size: (width, height) in pixels, or a list of such sizes, taken in turn.
        heads: (least, most) people in a picture that has any. Hidden ones are not annotated. Where so many do not fit,
            heads shrink towards ``min_head`` and people move closer together.
        min_head: Least head height, pixels.
        max_head: Greatest head height, pixels.
        negative_fraction: Share of pictures without people (and with more clutter), spread evenly.
        min_visible: Least visible share of an annotated head.
        clutter: Amount of objects among the people; 1 is normal, 0 none.
        seed: Seed of everything.
        kwargs: As :class:`mmengine.dataset.BaseDataset`.

    Raises:
        ValueError: An argument is out of its range.
    """

    def __init__(
        self,
        length: int = 200,
        size: Sequence = (320, 256),
        heads: tuple[int, int] = (0, 200),
        min_head: float = 6.0,
        max_head: float = 30.0,
        negative_fraction: float = 0.1,
        min_visible: float = 0.35,
        clutter: float = 1.0,
        seed: int = 0,
        **kwargs,
    ) -> None:
        sizes = [size] if np.ndim(size) == 1 else size
        self.sizes = [(int(width), int(height)) for width, height in sizes]
        self.length = length
        self.options = dict(
            seed=seed,
            heads=(int(heads[0]), int(heads[1])),
            min_head=float(min_head),
            max_head=float(max_head),
            negative_fraction=float(negative_fraction),
            min_visible=float(min_visible),
            clutter=float(clutter),
        )
        self._check_options()
        super().__init__(**kwargs)

    def _check_options(self) -> None:
        o = self.options
        wanted = {
            f'length={self.length}: expected at least 1': self.length >= 1,
            f'size={self.sizes}: expected (width, height) of at least 16 pixels': all(min(s) >= 16 for s in self.sizes),
            f'heads={o["heads"]}: expected 0 <= least <= most': 0 <= o['heads'][0] <= o['heads'][1],
            f'min_head={o["min_head"]}, max_head={o["max_head"]}: expected 3 <= min_head <= max_head': 3
            <= o['min_head']
            <= o['max_head'],
            f'negative_fraction={o["negative_fraction"]}: expected a number in [0, 1]': 0
            <= o['negative_fraction']
            <= 1,
            f'min_visible={o["min_visible"]}: expected a number in (0, 1]': 0 < o['min_visible'] <= 1,
            f'clutter={o["clutter"]}: expected a number >= 0': o['clutter'] >= 0,
            f'seed={o["seed"]}: expected a number >= 0': o['seed'] >= 0,
        }
        for message, holds in wanted.items():
            if not holds:
                raise ValueError(f'SyntheticCrowd: {message}')

    def load_data_list(self) -> list[dict]:
        """One entry per picture; nothing is painted yet."""
        names = [f'seed{self.options["seed"]}_{index:06d}' for index in range(self.length)]
        return [
            dict(
                img_path=f'synthetic/{name}',
                img_id=name,
                scene=dict(self.options, size=self.sizes[index % len(self.sizes)]),
                scene_index=index,
            )
            for index, name in enumerate(names)
        ]

    def filter_data(self) -> list[dict]:
        """There are no files or annotations to check."""
        self._reported = torch.zeros(len(self.data_list), dtype=torch.bool).share_memory_()
        print_log(f'SyntheticCrowd: {len(self.data_list)} pictures, seed {self.options["seed"]}', 'current')
        return self.data_list
