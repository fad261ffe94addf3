"""Pictures of predictions during validation and testing."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from mmdet.engine.hooks import DetVisualizationHook
from mmdet.structures import DetDataSample
from mmengine.runner import Runner
from torch import Tensor
from torch.utils.data import Dataset

from mmcrowd.registry import HOOKS
from mmcrowd.utils.files import picture_names, printable
from mmcrowd.utils.pictures import read_image


@HOOKS.register_module()
class CrowdVisualizationHook(DetVisualizationHook):
    """Draw ground truth and prediction with the current visualizer.

    mmdet's hook reads every image from its file; an image that was rendered and never was a file comes from the batch.
    The pictures of a test are named by :func:`mmcrowd.utils.files.picture_names`, so that none replaces another.

    Args:
        score_thr: Draw predictions with at least this score. Decoders have a threshold of their own, hence 0.
        max_images: Pictures per test run; ``None`` draws all.
        kwargs: Of mmdet's hook: ``draw``, ``interval`` (validation iterations between two pictures), ``show``,
            ``wait_time``, ``test_out_dir`` (absolute, or inside the run's log folder), ``backend_args``.
    """

    def __init__(self, score_thr: float = 0.0, max_images: int | None = None, **kwargs) -> None:
        super().__init__(score_thr=score_thr, **kwargs)
        self.max_images = max_images
        self._names: dict[str, str] = {}

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: Sequence[DetDataSample]
    ) -> None:
        """Draw the first image of the batch, every ``interval`` validation iterations."""
        step = runner.iter + batch_idx
        if self.draw and step % self.interval == 0:
            self._draw('val_img', original_image(data_batch['inputs'][0], outputs[0]), outputs[0], None, step)

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: Sequence[DetDataSample]
    ) -> None:
        """Draw every image of the batch, up to ``max_images`` of the run."""
        if not self.draw:
            return
        for inputs, sample in zip(data_batch['inputs'], outputs, strict=True):
            if self.max_images is not None and self._test_index >= self.max_images:
                return
            self._test_index += 1
            out_file = None
            if self.test_out_dir is not None:
                folder = Path(runner.log_dir) / self.test_out_dir
                folder.mkdir(parents=True, exist_ok=True)
                out_file = str(folder / self._name(runner.test_dataloader.dataset, sample.img_path))
            self._draw('test_img', original_image(inputs, sample), sample, out_file, self._test_index)

    def _name(self, dataset: Dataset, path: str) -> str:
        """File name of a picture, unique among those of the data set, in every process the same."""
        if path not in self._names and hasattr(dataset, 'get_data_info'):
            self._names = picture_names(dataset.get_data_info(index)['img_path'] for index in range(len(dataset)))
        if path not in self._names:  # a data set that does not tell its images beforehand
            mark = hashlib.sha256(os.fsencode(path)).hexdigest()[:8]
            self._names[path] = picture_names([path], f'_{mark}.jpg')[path]
        return self._names[path]

    def _draw(self, name: str, image: np.ndarray, sample: DetDataSample, out_file: str | None, step: int) -> None:
        self._visualizer.add_datasample(
            printable(Path(sample.img_path).name) if self.show else name,
            image,
            data_sample=sample,
            show=self.show,
            wait_time=self.wait_time,
            pred_score_thr=self.score_thr,
            out_file=out_file,
            step=step,
        )


def original_image(inputs: Tensor, sample: DetDataSample) -> np.ndarray:
    """The image of a sample at its original size.

    Args:
        inputs: ``(3, h, w)`` uint8 BGR, the network's input before preprocessing.
        sample: Its ``img_path`` is read if it is a file; else ``inputs`` is resized to its ``ori_shape``.

    Returns:
        ``(H, W, 3)`` uint8 RGB.
    """
    if Path(sample.img_path).is_file():
        return np.ascontiguousarray(read_image(sample.img_path)[..., ::-1])
    height, width = sample.ori_shape[:2]
    image = np.ascontiguousarray(inputs.permute(1, 2, 0).cpu().numpy()[..., ::-1])
    if image.shape[:2] != (height, width):
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    return image
