"""Label assigners whose memory does not grow with the crowd."""

from .chunked_max_iou_assigner import ChunkedMaxIoUAssigner
from .crowd_sim_ota_assigner import CrowdSimOTAAssigner

__all__ = ['ChunkedMaxIoUAssigner', 'CrowdSimOTAAssigner']
