"""Sizes of VideoChat-TPO: `VIDEOCHAT` as published, `VIDEOCHAT_TINY` for tests on random weights."""
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class MomentSizes:
    """CG-DETR. A clip feature is 768 of InternVideo2 and its start and end as fractions; a text feature is a hidden state of a 7B text encoder."""
    clip: int = 770
    width: int = 256
    mlp: int = 1024
    heads: int = 8
    encoder: int = 3
    decoder: int = 3
    across: int = 2       # layers in which clips attend to words
    dummy: int = 2        # layers that condition the dummies on the words
    dummies: int = 45
    queries: int = 10
    prompts: int = 10
    chosen: int = 1       # prompts that make up the saliency token
    words: int = 100
    input_dropout: float = 0.5
    dropout: float = 0.1


@dataclass(frozen=True)
class SamSizes:
    """SAM 2.0 large (`sam2_hiera_l`), as the checkpoint names its parts."""
    width: int = 144
    heads: int = 2
    stages: tuple[int, ...] = (2, 6, 36, 4)
    whole: tuple[int, ...] = (23, 33, 43)    # blocks with global attention
    window: tuple[int, ...] = (8, 4, 16, 8)
    memory_layers: int = 4
    mlp: int = 2048
    picture: int = 1024


@dataclass(frozen=True)
class VideoChatConfig:
    name: str = 'videochat'
    picture: int = 224
    patch: int = 16
    frames: int = 16
    vision_width: int = 1024
    vision_layers: int = 23      # of UMT-L's 24: the last but one is read
    vision_heads: int = 16
    bridge_width: int = 768
    bridge_layers: int = 12
    bridge_heads: int = 12
    bridge_mlp: int = 3072
    bridge_vocabulary: int = 30523
    bridge_positions: int = 512
    queries: int = 32
    extra_queries: int = 64
    merged: int = 4              # query outputs that the unused `merge_proj` would join
    width: int = 4096
    layers: int = 32
    heads: int = 32
    kv_heads: int = 8
    mlp: int = 14336
    vocabulary: int = 32007      # Mistral-7B-Instruct-v0.2 and seven tokens
    rope_base: float = 1e6
    epsilon: float = 1e-5
    lora_rank: int = 16
    lora_alpha: int = 32
    lora_dropout: float = 0.1
    moment: MomentSizes = field(default_factory=MomentSizes)
    sam: SamSizes = field(default_factory=SamSizes)


VIDEOCHAT = VideoChatConfig()
VIDEOCHAT_TINY = replace(
    VIDEOCHAT, name='videochat-tiny', patch=56, frames=6, vision_width=32, vision_layers=2, vision_heads=2, bridge_width=24, bridge_layers=4, bridge_heads=2, bridge_mlp=32,
    bridge_vocabulary=50, bridge_positions=16, queries=3, extra_queries=5, width=64, layers=2, heads=4, kv_heads=2, mlp=96, vocabulary=67, lora_rank=4, lora_alpha=8,
    moment=MomentSizes(clip=18, width=32, mlp=48, heads=4, encoder=2, decoder=3, dummies=5, queries=4, prompts=6, words=12),
    sam=SamSizes(width=8, heads=1, stages=(1, 1, 2, 1), whole=(3,), window=(8, 4, 4, 2), memory_layers=1, mlp=32, picture=128),
)
VIDEOCHAT_CONFIGS = {config.name: config for config in (VIDEOCHAT, VIDEOCHAT_TINY)}
