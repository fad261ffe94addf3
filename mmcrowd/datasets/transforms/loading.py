"""Pictures and head annotations into the pipeline."""

import numpy as np
from mmcv.transforms import BaseTransform, LoadImageFromFile

from mmcrowd.registry import TRANSFORMS
from mmcrowd.structures import HeadBoxes
from mmcrowd.utils.pictures import read_image


@TRANSFORMS.register_module()
class LoadImage(LoadImageFromFile):
    """Decode ``img_path`` with the package's one reader, :func:`mmcrowd.utils.pictures.read_image`.

    :class:`mmcrowd.CrowdDataset` puts it in the place of a plain ``LoadImageFromFile``, the name that mmdet's tools and
    inferencer look for in a config; other data sets name it themselves.

    Args:
        to_float32: Whether the pixels become float32, of the same values.
        max_pixels: Most pixels of a picture; None is the reader's own limit.
    """

    def __init__(self, to_float32: bool = False, max_pixels: int | None = None) -> None:
        super().__init__(to_float32=to_float32)
        self.max_pixels = max_pixels

    @classmethod
    def instead_of(cls, transform: object) -> object:
        """This loader for mmcv's, if that reads colour with OpenCV from a local file; any other transform as it is."""
        plain = dict(color_type='color', imdecode_backend='cv2', file_client_args=None, backend_args=None)
        if type(transform) is LoadImageFromFile and all(getattr(transform, k) == v for k, v in plain.items()):
            return cls(to_float32=transform.to_float32)
        return transform

    def transform(self, results: dict) -> dict:
        """Add ``img`` (H, W, 3) BGR, ``img_shape``, ``ori_shape``."""
        image = read_image(results['img_path'], self.max_pixels)
        results['img'] = image.astype(np.float32) if self.to_float32 else image
        results['img_shape'] = results['ori_shape'] = image.shape[:2]
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(to_float32={self.to_float32}, max_pixels={self.max_pixels})'


@TRANSFORMS.register_module()
class LoadHeads(BaseTransform):
    """Wrap a sample's head arrays for the geometric transforms.

    Reads ``heads`` (N, 6) float32, ``labels`` (N,) int64 and, if present, ``ignore_boxes`` (M, 4) float32, all in
    original pixels; writes ``gt_bboxes`` (:class:`HeadBoxes`), ``gt_bboxes_labels`` int64 and ``gt_ignore_flags`` bool.
    An ignored region becomes a head at its centre with flag True. A sample without ``heads`` (inference on a bare
    image) is passed on untouched.

    In test pipelines put it after Resize: ground truth then stays in original pixels, as predictions do.
    """

    def transform(self, results: dict) -> dict:
        """Add ``gt_bboxes``, ``gt_bboxes_labels``, ``gt_ignore_flags``."""
        if 'heads' not in results:
            return results
        heads, labels = results['heads'], results['labels']
        ignored = results.get('ignore_boxes')
        count = len(heads)
        if ignored is not None and len(ignored):
            centres = (ignored[:, :2] + ignored[:, 2:]) / 2
            heads = np.concatenate([heads, np.concatenate([centres, ignored], axis=1).astype(np.float32)])
            labels = np.concatenate([labels, np.zeros(len(ignored), np.int64)])
        results['gt_bboxes'] = HeadBoxes(heads)
        results['gt_bboxes_labels'] = labels
        results['gt_ignore_flags'] = np.arange(len(heads)) >= count
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
