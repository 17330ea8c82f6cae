"""A picture of any size as a model takes it."""
import cv2
import numpy as np


def stretched(frame: np.ndarray, size: int) -> np.ndarray:
    if frame.shape[:2] == (size, size):
        return frame
    smaller = frame.shape[0] > size and frame.shape[1] > size
    return cv2.resize(frame, (size, size), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
