"""CG-DETR: where in a video the words apply. TPO's temporal head; the task embedding enters as one more word behind the last.

It takes features, not pictures: clips of InternVideo2-CLIP-1B and hidden states of that model's 7B text encoder. Those two are not part of the
checkpoint and not included here; any encoder of the same widths will do.
"""
import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.backbones.videochat.cg_decoder import MomentDecoder, logit
from trainer.backbones.videochat.cg_layers import AcrossEncoder, Project, SelfEncoder
from trainer.backbones.videochat.config import MomentSizes
from trainer.backbones.videochat.perceptron import Perceptron


class MomentAnswer(NamedTuple):
    logits: Tensor    # (layers, B, K, 2), class 0 is foreground; the last layer is the answer
    spans: Tensor     # (layers, B, K, 2) centre and width, 0–1
    saliency: Tensor  # (B, L)


class Reading(NamedTuple):
    """What the answer was made from: what the losses of CG-DETR's own training look at besides it."""
    clips: Tensor            # (B, L, d)
    clip_positions: Tensor   # (B, L, d)
    valid_clips: Tensor      # (B, L) bool
    words: Tensor            # (B, dummies + W, d): conditioned dummies, then words with the task embedding among them
    word_positions: Tensor   # (B, dummies + W, d)
    valid_words: Tensor      # (B, dummies + W) bool
    attention: Tensor        # (B, L, dummies + W) mean weights of clips on words


class CgDetr(nn.Module):
    def __init__(self, sizes: MomentSizes, text: int) -> None:
        super().__init__()
        d, rate = sizes.width, sizes.input_dropout
        self.sizes = sizes
        self.input_vid_proj = nn.Sequential(Project(sizes.clip, d, rate), Project(d, d, rate, relu=False))
        self.input_txt_proj = nn.Sequential(Project(text, d, rate), Project(d, d, rate, relu=False))
        self.token_type_embeddings = nn.Embedding(2, d)
        self.dummy_rep_token, self.dummy_rep_pos = nn.Parameter(torch.randn(sizes.dummies, d)), nn.Parameter(torch.randn(sizes.dummies, d))
        self.txtproj_encoder = SelfEncoder(sizes, sizes.dummy)
        self.transformer = MomentTransformer(sizes)
        self.query_embed = nn.Embedding(sizes.queries, 2)
        self.class_embed, self.span_embed = nn.Linear(d, 2), Perceptron(d, d, d, 2)
        self.saliency_proj1, self.saliency_proj2 = nn.Linear(d, d), nn.Linear(d, d)
        self.global_rep_token, self.global_rep_pos = nn.Parameter(torch.randn(sizes.prompts, d)), nn.Parameter(torch.randn(1, d))
        # The losses of CG-DETR's own training read what follows (cg_study.py), and nothing reads the last two; a strict load needs them.
        self.sent_rep_token, self.sent_rep_pos = nn.Parameter(torch.randn(d)), nn.Parameter(torch.randn(d))
        self.moment_rep_token, self.moment_rep_pos = nn.Parameter(torch.randn(d)), nn.Parameter(torch.randn(d))
        self.scls_encoder = SelfEncoder(sizes, 1)
        self.txt_proj_linear = Project(text, d)
        self.txt_position_embed = WordPositions(sizes)

    def forward(self, words: Tensor, word_mask: Tensor, clips: Tensor, clip_mask: Tensor, state: Tensor) -> MomentAnswer:
        """words (B, W, text), clips (B, L, clip), masks with 1 where valid, state (B, 1, text) the task embedding."""
        return self.read(words, word_mask, clips, clip_mask, state)[0]

    def read(self, words: Tensor, word_mask: Tensor, clips: Tensor, clip_mask: Tensor, state: Tensor) -> tuple[MomentAnswer, Reading]:
        words, word_mask = with_state(words, word_mask, state)
        types = self.token_type_embeddings.weight
        clips = self.input_vid_proj(clips) + types[1]
        words = self.input_txt_proj(words) + types[0]
        valid_clips, valid_words = clip_mask.bool(), word_mask.bool()
        clip_positions = sine_positions(clip_mask, clips.shape[-1]).to(clips)
        rows = words.shape[0]
        dummies = self.dummy_rep_token.expand(rows, -1, -1)
        positions = torch.cat([self.dummy_rep_pos.expand(rows, -1, -1), torch.zeros_like(words)], 1)
        valid = torch.cat([valid_words.new_ones(rows, self.sizes.dummies), valid_words], 1)
        conditioned = self.txtproj_encoder(torch.cat([dummies, words], 1), valid, positions)[:, :self.sizes.dummies]
        read = torch.cat([conditioned, words], 1)
        states, begun, scores, attention = self.look(clips, clip_positions, valid_clips, read, positions, valid)
        spans = (self.span_embed(states) + logit(begun)).sigmoid()
        return MomentAnswer(self.class_embed(states), spans, scores), Reading(clips, clip_positions, valid_clips, read, positions, valid, attention)

    def look(self, clips: Tensor, clip_positions: Tensor, valid_clips: Tensor, words: Tensor, word_positions: Tensor, valid_words: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """→ decoder states, the spans each layer began with, saliency (B, L), attention (B, L, dummies + W)."""
        saliency = Saliency(self.global_rep_token, self.global_rep_pos)
        states, begun, memory, whole, attention = self.transformer(clips, clip_positions, valid_clips, words, word_positions, valid_words, saliency, self.query_embed.weight)
        scores = (self.saliency_proj1(memory) * self.saliency_proj2(whole)[:, None]).sum(-1) / math.sqrt(memory.shape[-1])
        return states, begun, scores, attention


class Saliency(NamedTuple):
    prompts: Tensor   # (prompts, d)
    position: Tensor  # (1, d)


class MomentTransformer(nn.Module):
    def __init__(self, sizes: MomentSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.t2v_encoder = AcrossEncoder(sizes)
        self.encoder = SelfEncoder(sizes, sizes.encoder)
        self.decoder = MomentDecoder(sizes)
        self.mcls_encoder = SelfEncoder(sizes, 1)

    def forward(self, clips: Tensor, positions: Tensor, valid: Tensor, words: Tensor, word_positions: Tensor, valid_words: Tensor, saliency: Saliency,
                queries: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """→ decoder states, the spans each layer began with, clips (B, L, d), the saliency token (B, d), attention (B, L, dummies + W)."""
        read, weights = self.t2v_encoder(clips, positions, words, word_positions, valid_words)
        token = self.t2v_encoder.alone(self.token_of(clips, valid, weights, saliency))
        x = torch.cat([token, read], 1)
        everywhere = torch.cat([saliency.position.expand(x.shape[0], 1, -1), positions], 1)
        x = self.encoder(x, torch.cat([valid.new_ones(x.shape[0], 1), valid], 1), everywhere)
        whole, memory = x[:, 0], x[:, 1:] + x[:, :1]
        states, begun = self.decoder(memory, valid, positions, queries)
        return states, begun, memory, whole, weights

    def token_of(self, clips: Tensor, valid: Tensor, weights: Tensor, saliency: Saliency) -> Tensor:
        """The mean clip, and the learned prompts most like what sets the clips apart from it, weighed by how much each clip reads the words."""
        share = valid.to(clips)[..., None]
        mean = ((clips * share).sum(1, keepdim=True) / share.sum(1, keepdim=True)).detach()
        alike = (F.normalize(clips - mean, dim=-1) @ F.normalize(saliency.prompts, dim=-1).T).softmax(-1)   # (B, L, prompts)
        importance = weights[..., self.sizes.dummies:].sum(-1).detach() * valid
        importance = importance / importance.sum(1, keepdim=True) * importance.shape[1]
        best, chosen = (alike * importance[..., None]).mean(1).topk(self.sizes.chosen, dim=1)
        return (best[..., None] * saliency.prompts[chosen]).sum(1, keepdim=True) + mean


class WordPositions(nn.Module):
    """Learned positions of words: in the checkpoint, switched off in the published configuration."""

    def __init__(self, sizes: MomentSizes) -> None:
        super().__init__()
        self.position_embeddings = nn.Embedding(sizes.words, sizes.width)
        self.LayerNorm = nn.LayerNorm(sizes.width)


class CgCriterion(nn.Module):
    """Holds the class weights of CG-DETR's loss, which the checkpoint carries as a buffer: background counts a tenth."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer('empty_weight', torch.tensor([1.0, 0.1]))


def with_state(words: Tensor, mask: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """The task embedding goes in directly behind the last valid word."""
    rows, count, width = words.shape
    length = mask.sum(1).long()                                              # (B)
    place = torch.arange(count + 1, device=words.device)[None]
    padded = torch.cat([words, words[:, :1]], 1)
    later = torch.cat([words[:, :1], words], 1)                              # shifted by one
    here, behind = place[..., None] == length[:, None, None], place[..., None] > length[:, None, None]
    words = torch.where(here, state.to(words), torch.where(behind, later, padded))
    return words, (place <= length[:, None]).to(mask)


def sine_positions(mask: Tensor, width: int) -> Tensor:
    """mask (B, L) → (B, L, width): the share of the valid clips that has passed, as sines."""
    passed = mask.float().cumsum(1)
    passed = passed / (passed[:, -1:] + 1e-6) * 2 * math.pi
    channel = torch.arange(width, device=mask.device, dtype=torch.float32)
    angles = passed[..., None] / 10000 ** (2 * (channel // 2) / width)
    return torch.stack([angles[..., 0::2].sin(), angles[..., 1::2].cos()], -1).flatten(2)


def seconds(answer: MomentAnswer, duration: float) -> list[list[tuple[float, float, float]]]:
    """Per row (start, end, score) in seconds, best first."""
    spans, scores = answer.spans[-1], answer.logits[-1].softmax(-1)[..., 0]
    half = spans[..., 1] / 2
    edges = (torch.stack([spans[..., 0] - half, spans[..., 0] + half], -1) * duration).clamp(0, duration)
    return [sorted(((float(start), float(end), float(score)) for (start, end), score in zip(row, row_scores)), key=lambda item: -item[2])
            for row, row_scores in zip(edges, scores)]
