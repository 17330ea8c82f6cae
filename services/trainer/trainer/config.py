"""Sizes of the nano backbone and its heads. `nano` is what ships; `tiny` runs through every line in seconds."""
from dataclasses import asdict, dataclass, replace
import hashlib
import json


@dataclass(frozen=True)
class NanoConfig:
    name: str = 'nano'
    picture: int = 320          # the wire picture is picture × picture
    encoder_picture: int = 160  # the encoder sees it resized to this
    own_encoder: bool = True    # whether the encoder's first blocks are trained; else it is ImageNet's throughout
    frames: int = 16            # T, frames the language model sees
    every_ms: float = 250.0
    width: int = 192            # d
    layers: int = 4
    heads: int = 6
    mlp: int = 576
    dropout: float = 0.0
    cache: int = 256            # positions a KV slot holds
    tower: int = 192            # channels of the trained stride-16 map, where shapes are named
    tower_blocks: int = 2
    features: int = 64          # channels of the trained stride-8 map
    match: int = 96             # the space where pictures and nouns are compared
    fine: int = 64              # channels of the fine part of a visual token
    skip: int = 16              # channels of the stride-4 map
    noun_tokens: int = 8        # likely nouns placed in the prefix
    spans: int = 10
    boxes: int = 10
    memory: int = 64            # width of a memory token
    prompted: int = 2
    recent: int = 4

    @property
    def grid(self) -> int:
        return self.encoder_picture // 8

    @property
    def coarse(self) -> int:
        return self.encoder_picture // 32

    def fingerprint(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


NANO = NanoConfig()
TINY = replace(NANO, name='tiny', own_encoder=False, width=48, layers=1, heads=3, mlp=96, tower=24, tower_blocks=1, features=16, match=24, fine=16, skip=8, memory=16)
CONFIGS = {config.name: config for config in (NANO, TINY)}
