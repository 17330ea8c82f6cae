"""What CG-DETR's own training looks at besides the answer (arXiv 2311.08835): one token for the moment and one for everything else, one for the sentence and one
for its dummies, how like each clip is to each word, and what the same clips make of another video's words.
"""
from typing import NamedTuple

import torch
from torch import Tensor

from trainer.backbones.videochat.cg_detr import CgDetr, Reading


class Study(NamedTuple):
    attention: Tensor            # (B, L, D + W) of clips on dummies and words
    on_words: Tensor             # (B, L) what of it falls on words
    dummies: Tensor              # (B, D, d) conditioned on the words
    prompts: Tensor              # (P, d) of the saliency token
    sentence: Tensor             # (B, d)
    dummy_sentence: Tensor       # (B, d)
    moment: Tensor               # (B, d) of the clips inside
    rest: Tensor                 # (B, d) of the clips outside
    frames: Tensor               # (B, L, d) clips as their own token saw them
    likeness: Tensor             # (B, L, D + W) of clips inside with dummies and words
    strange: Tensor              # (B) bool: rows whose neighbour's words are about another video
    strange_saliency: Tensor     # (n, L) what those rows' clips make of those words
    strange_on_words: Tensor     # (n, L)


def study(model: CgDetr, reading: Reading, inside: Tensor, strange: Tensor) -> Study:
    """inside (B, L) bool: clips of the moment; strange (B) bool: the next row, after the last the first, is of another video."""
    dummies = model.sizes.dummies
    rows = reading.words.shape[0]
    conditioned, words = reading.words[:, :dummies], reading.words[:, dummies:]
    sent = model.sent_rep_token.expand(rows, 1, -1), model.sent_rep_pos.expand(rows, 1, -1)
    sentence = model.scls_encoder(*headed(words, reading.valid_words[:, dummies:], reading.word_positions[:, dummies:], *sent))
    dummy_sentence = model.scls_encoder(*headed(conditioned, reading.valid_words[:, :dummies], reading.word_positions[:, :dummies], *sent))
    token = model.moment_rep_token.expand(rows, 1, -1), model.moment_rep_pos.expand(rows, 1, -1)
    seen = [model.transformer.mcls_encoder(*headed(reading.clips, reading.valid_clips & part, reading.clip_positions, *token)) for part in (inside, ~inside)]
    frames = torch.where(inside[..., None], seen[0][:, 1:], seen[1][:, 1:])
    likeness = seen[0][:, 1:] @ torch.cat([dummy_sentence[:, 1:], sentence[:, 1:]], 1).transpose(1, 2)
    saliency, on_words = others(model, reading, strange)
    return Study(reading.attention, falling(reading.attention, reading.valid_words, dummies), conditioned, model.global_rep_token, sentence[:, 0], dummy_sentence[:, 0],
                 seen[0][:, 0], seen[1][:, 0], frames, likeness, strange, saliency, on_words)


def others(model: CgDetr, reading: Reading, strange: Tensor) -> tuple[Tensor, Tensor]:
    """The words of the row behind, and its dummies, read by the clips of this one."""
    words, valid = reading.words.roll(-1, 0)[strange], reading.valid_words.roll(-1, 0)[strange]
    if not strange.any():
        return reading.attention.new_zeros(0, reading.clips.shape[1]), reading.attention.new_zeros(0, reading.clips.shape[1])
    _, _, saliency, attention = model.look(reading.clips[strange], reading.clip_positions[strange], reading.valid_clips[strange], words, reading.word_positions[strange], valid)
    return saliency, falling(attention, valid, model.sizes.dummies)


def falling(attention: Tensor, valid: Tensor, dummies: int) -> Tensor:
    """(B, L, D + W) → (B, L): the share that words get, not dummies."""
    return (attention[..., dummies:] * valid[:, None, dummies:]).sum(-1).clamp(0, 1)


def headed(x: Tensor, valid: Tensor, positions: Tensor, token: Tensor, position: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A token of its own in front."""
    return torch.cat([token, x], 1), torch.cat([valid.new_ones(len(x), 1), valid], 1), torch.cat([position, positions], 1)
