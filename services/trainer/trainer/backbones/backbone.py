"""What every multimodal model offers to the heads, the stages and the export, whatever it is made of.

`nano` is one instance. `llava_onevision`, `small` and `videochat` wrap their own tower, connector and language model with the same steps; what differs is in their types: they read one map
of the whole tower (`Sight.features`, or that of the clip) in place of strides 8 and 4, and their cache is transformers' own.
"""
from typing import NamedTuple, Protocol

from torch import Tensor


class Seen(NamedTuple):
    """Frames after the vision encoder and its connector."""
    visual: Tensor  # (B, T, N, C) tokens of every frame
    s8: Tensor      # (B, F8, G, G) spatial map of the last frame, stride 8
    s4: Tensor      # (B, F4, 2G, 2G) spatial map of the last frame, stride 4


class Decoded(NamedTuple):
    logits: Tensor                       # (B, S, V)
    hidden: Tensor                       # (B, S, d) after the final norm: the task embedding is read here
    cache: list[tuple[Tensor, Tensor]]   # per layer the keys and values of the new positions, (B, heads, S, head_dim)


class Backbone(Protocol):
    """`encode` frames, `embed` ids, `decode` embeddings. The tokenizer and the template come with it."""

    def encode(self, frames: Tensor) -> Seen:
        """frames: uint8 (B, T, H, W, 3)."""
        ...

    def prefix(self, visual: Tensor, times: Tensor) -> Tensor:
        """visual (B, T, N, C), times (B, T) ms relative to the last frame → (B, P, d)."""
        ...

    def embed(self, ids: Tensor, visual: Tensor, times: Tensor) -> Tensor:
        """ids (B, S) → (B, S, d); a backbone may look at the picture while it embeds."""
        ...

    def decode(self, embeds: Tensor, lengths: Tensor, prefix: Tensor, cache: list[tuple[Tensor, Tensor]]) -> Decoded:
        """One run of the language model behind `lengths` cached positions; the first `prefix` positions of the run see each other."""
        ...
