"""COCO's three ways of writing a mask, as one."""
import cv2
import numpy as np

from trainer.metrics.rle import Rle, encode, to_string


def from_coco(segmentation: object, height: int, width: int) -> Rle:
    """Polygons [[x, y, …], …], uncompressed runs {'counts': [n, …]} or compressed {'counts': '…'} → compressed runs."""
    if isinstance(segmentation, dict):
        counts = segmentation['counts']
        if isinstance(counts, list):
            return {'size': [height, width], 'counts': to_string([int(n) for n in counts])}
        return {'size': [height, width], 'counts': counts.decode() if isinstance(counts, bytes) else str(counts)}
    if not isinstance(segmentation, list):
        raise ValueError(f'A segmentation is a list of polygons or run lengths, not {type(segmentation).__name__}.')
    canvas = np.zeros((height, width), np.uint8)
    for polygon in segmentation:
        points = np.asarray(polygon, np.float64).reshape(-1, 2) - 0.5  # COCO's corners lie between pixels, OpenCV's on their centres
        cv2.fillPoly(canvas, [np.round(points).astype(np.int32)], 1)
    return encode(canvas.astype(bool))
