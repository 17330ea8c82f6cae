"""What TPO adds to a published language model."""
from dataclasses import dataclass

TASKS = ('region', 'mask', 'moment')


@dataclass(frozen=True)
class Settings:
    name: str
    frames: int
    every_ms: float
    lora_rank: int
    lora_alpha: int
    lora_dropout: float
    head_width: int
    template: str
    visual: str               # the placeholder of the pictures in the template
    eos: str
    recent: int = 6           # frames that the mask head remembers, besides the prompted one
    longest: int = 40         # new tokens of an answer
