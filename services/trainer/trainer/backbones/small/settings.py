"""Sizes of `small`, and of the same with two layers of its language model."""
from dataclasses import dataclass, replace

from trainer.backbones.pretrained.settings import Settings

PICTURE = 160                # what EfficientNet-Lite0 sees
GRID, CELLS, FINE = 10, 5, 20  # sides of its stride-16, stride-32 and stride-8 maps


@dataclass(frozen=True)
class SmallSettings(Settings):
    map_width: int = 128      # channels of the map that heads point in
    inside: int = 1024        # of the connector
    layers: int | None = None  # of SmolLM2; None: all


SMALL = SmallSettings(
    'small', frames=16, every_ms=250.0, lora_rank=16, lora_alpha=32, lora_dropout=0.0, head_width=128,
    template='<|im_start|>user\n<visual>{{ text }}<|im_end|>\n<|im_start|>assistant\n', visual='<visual>', eos='<|im_end|>', recent=4)
CUT = replace(SMALL, name='small-cut', layers=2)
SMALL_SETTINGS = {settings.name: settings for settings in (SMALL, CUT)}
