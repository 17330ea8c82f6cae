"""What each part of the loss counts for in a stage of a tuned multimodal model."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Weights:
    text: float = 1.0
    region: float = 1.0
    mask: float = 1.0
    moment: float = 1.0
