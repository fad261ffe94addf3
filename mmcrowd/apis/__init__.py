"""Using mmcrowd from Python: a model on images, and a look at a dataset."""

from mmcrowd.utils.pictures import ImageReadError, read_image

from .browse import browse_dataset, iterate_split
from .export import export_onnx
from .images import list_images
from .inferencer import CrowdInferencer
from .intervals import CountIntervals, fit_intervals
from .predict import predict_folder
from .publish import publish_model
from .result import CrowdResult
from .result_files import ResultFiles, save_results

__all__ = [
    'CountIntervals',
    'CrowdInferencer',
    'CrowdResult',
    'ImageReadError',
    'ResultFiles',
    'browse_dataset',
    'export_onnx',
    'fit_intervals',
    'iterate_split',
    'list_images',
    'predict_folder',
    'publish_model',
    'read_image',
    'save_results',
]
