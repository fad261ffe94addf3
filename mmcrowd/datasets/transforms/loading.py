"""Head annotations into the pipeline."""

import numpy as np
from mmcv.transforms import BaseTransform

from mmcrowd.registry import TRANSFORMS
from mmcrowd.structures import HeadBoxes


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
