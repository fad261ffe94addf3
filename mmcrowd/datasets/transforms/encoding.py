"""Target maps from heads, by a codec."""

from mmcv.transforms import BaseTransform

from mmcrowd.registry import CODECS, TRANSFORMS
from mmcrowd.structures import HeadBoxes


@TRANSFORMS.register_module()
class EncodeTargets(BaseTransform):
    """Draw the target maps of the current image.

    Put it after all geometric transforms and before :class:`PackCrowdInputs`. Reads ``gt_bboxes``
    (:class:`HeadBoxes`, pixels of the current image), ``gt_ignore_flags`` and ``img_shape``; writes ``gt_maps``:
    name -> (C, ceil(h / stride), ceil(w / stride)) float32. Ignored regions draw nothing.

    Args:
        codec: The codec, the same as the head's.
    """

    def __init__(self, codec: dict) -> None:
        self.codec = CODECS.build(codec)

    def transform(self, results: dict) -> dict:
        """Add ``gt_maps``."""
        heads = results['gt_bboxes']
        if not isinstance(heads, HeadBoxes):
            raise TypeError(
                f'EncodeTargets needs HeadBoxes in gt_bboxes (see LoadHeads), got {type(heads).__name__}: '
                'put it before ConvertHeadsToBoxes'
            )
        flags = results.get('gt_ignore_flags')
        if flags is not None and flags.any():
            heads = heads[~flags]
        results['gt_maps'] = self.codec.encode(
            heads.points.numpy(), heads.boxes.numpy(), tuple(results['img_shape'][:2])
        )
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(codec={type(self.codec).__name__})'
