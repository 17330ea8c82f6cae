"""L = L_text + L_assign + Σ w·L_task: one forward pass over a batch and every loss part by name (TPO, equation 1).

L_assign is the part of the text loss that falls on triggers; it is reported on its own. The alignment losses are nano's own (docs/design/model.md §6).
"""
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

from trainer.backbones.nano_embed import Told
from trainer.backbones.nano_eyes import HeadMap, visual_tokens
from trainer.backbones.nano_neck import Maps
from trainer.alignment import NOTHING, UNSURE, Alignment
from trainer.batch import Batch
from trainer.data.nouns import NOUNS
from trainer.heads.mask import Masks, Memory
from trainer.heads.moment import MomentPairs
from trainer.heads.region import RegionMaps
from trainer.heads.region_mlp import MlpBoxes
from trainer.losses.focal import centre_focal, gaussian_heat
from trainer.losses.mask import mask_loss
from trainer.losses.moment import moment_loss
from trainer.losses.region import RegionTargets, region_loss
from trainer.model import TpoModel
from trainer.vocabulary import vocabulary


@dataclass(frozen=True)
class Weights:
    """Of the parts; a stage leaves out what it does not train."""
    text: float = 1.0
    align: float = 0.0      # the naming of cells: nano's neck alone learns from it
    presence: float = 0.5   # which nouns are in the last frame
    name: float = 0.3
    region: float = 1.0
    mask: float = 1.0
    track: float = 1.0
    moment: float = 1.0


KNOWN_WHICH = 8.0  # a logit that is as good as certain


@dataclass
class Pass:
    """What one forward pass has computed, for losses, counterfactual tests and pictures."""
    maps: Maps
    head_map: HeadMap
    visual: Tensor   # (B, T, N, C)
    told: Told       # what the pictures say of each word
    hidden: Tensor   # (B, S, d)
    states: Tensor   # (Q, d)


def look_and_read(model: TpoModel, batch: Batch) -> Pass:
    neck = model.backbone.neck
    tokens = seen_tokens(model, batch)                                                # (B, T, N, d)
    maps = neck.maps(batch.pool, neck.deep(batch.pool.s16, batch.pool.s32), batch.rgb)
    last = Maps(*(part[batch.last] for part in maps))
    photograph = KNOWN_WHICH * (2 * batch.photograph - 1)                             # (B) in lessons it is known
    newest = visual_tokens(tokens[:, -1], neck.fine_tokens(last), batch.evidence[batch.last], photograph[:, None], neck.block)  # (B, N, C)
    older = F.pad(tokens[:, :-1], (0, newest.shape[-1] - tokens.shape[-1]))  # only the last frame's fine and pretrained parts are ever read
    visual = torch.cat([older, newest[:, None]], 1)
    prefix = model.backbone.prefix(visual, batch.times)
    words = model.backbone.words
    told = words.seen(batch.ids, visual)
    text = words.table()[batch.ids] + told.embedding
    hidden = model.read(prefix, text, batch.block, batch.place)
    states = hidden[batch.queries.lesson, batch.queries.position]
    return Pass(maps, HeadMap(maps.features, maps.match, maps.colour, maps.centre, maps.sides, model.backbone.nouns.anything_in(maps.match), batch.evidence, batch.ltrb, torch.full_like(maps.centre, -KNOWN_WHICH)), visual, told, hidden, states)


def seen_tokens(model: TpoModel, batch: Batch) -> Tensor:
    if batch.tokens is not None:
        return batch.tokens
    neck = model.backbone.neck
    assert batch.s16 is not None and batch.s32 is not None
    return neck.tokens(neck.deep(batch.s16.flatten(0, 1), batch.s32.flatten(0, 1))).unflatten(0, batch.times.shape)


def objective(model: TpoModel, batch: Batch, weights: Weights) -> dict[str, Tensor]:
    """Loss parts; their sum is what is minimised."""
    return loss_parts(model, batch, look_and_read(model, batch), weights)


def loss_parts(model: TpoModel, batch: Batch, done: Pass, weights: Weights) -> dict[str, Tensor]:
    parts = text_loss(model, batch, done.hidden, weights.text)
    if weights.align:
        parts |= naming_of_cells(model, done.visual, done.maps, batch.alignment, weights.align)
    if weights.presence:
        parts |= presence_loss(model, done.visual, batch.alignment, weights.presence, batch.heard)
    if weights.name:
        parts |= going_loss(model, batch, done.told, weights.name)
    if weights.name and len(done.states):
        parts |= naming_loss(model, batch, done.states, weights.name)
    if weights.region and len(batch.region.query):
        rows = batch.region
        found = model.region.maps(done.head_map, done.states[rows.query], rows.frame)
        parts |= scaled('region', region_loss(whole(found), RegionTargets(rows.boxes, rows.owner)), weights.region)
    if weights.mask and len(batch.mask.query):
        parts |= scaled('mask', mask_loss(whole(key_masks(model, batch, done)), batch.mask.target), weights.mask)
    if weights.track and len(batch.tracks.query):
        parts |= scaled('track', track_loss(model, batch, done), weights.track)
    if weights.moment and len(batch.moment.query):
        rows = batch.moment
        found = model.moment.frames(done.visual[rows.lesson], done.states[rows.query])
        parts |= scaled('moment', moment_loss(whole(found), rows.spans), weights.moment)
    return parts


Found = TypeVar('Found', RegionMaps, MlpBoxes, Masks, MomentPairs)


def whole(found: Found) -> Found:
    """Losses are counted in full precision, whatever the heads ran in."""
    return type(found)(*(part.float() for part in found))


def scaled(prefix: str, parts: dict[str, Tensor], weight: float) -> dict[str, Tensor]:
    return {f'{prefix}.{name}': value * weight for name, value in parts.items()}


def text_loss(model: TpoModel, batch: Batch, hidden: Tensor, weight: float) -> dict[str, Tensor]:
    """Cross-entropy of each answer token from the position before it; triggers apart, as L_assign."""
    row, column = (batch.weights[:, 1:] > 0).nonzero(as_tuple=True)
    if len(row) == 0:
        return {'text': hidden.sum() * 0}
    wanted, share = batch.ids[row, column + 1], batch.weights[row, column + 1]
    losses = F.cross_entropy(model.backbone.logits(hidden[row, column]).float(), wanted, reduction='none') * share
    words = vocabulary()
    trigger = torch.isin(wanted, torch.tensor([words.id(f'<{task}>') for task in ('region', 'mask', 'moment')]))
    total = share.sum()
    return {'text': weight * losses[~trigger].sum() / total, 'assign': weight * losses[trigger].sum() / total}


def naming_loss(model: TpoModel, batch: Batch, states: Tensor, weight: float) -> dict[str, Tensor]:
    named = model.reader(states)
    known = batch.queries.noun >= 0
    return {
        'name.noun': weight * F.cross_entropy(named.noun[known], batch.queries.noun[known]) if known.any() else states.sum() * 0,
        'name.colour': weight * F.cross_entropy(named.colour, batch.queries.colour),
        'name.side': weight * F.cross_entropy(named.side, batch.queries.side),
        'name.motion': weight * F.cross_entropy(named.motion, batch.queries.motion),
        'name.event': weight * F.cross_entropy(named.event, batch.queries.event),
        'name.partner': weight * partner_loss(named.partner, batch.queries.partner),
        'name.cell': weight * -(batch.queries.cell * named.cell.float().log_softmax(-1)).sum(-1).mean(),
    }


def partner_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Few phrases speak of another thing: those that do weigh as much as all that do not."""
    losses, none = F.cross_entropy(logits, truth, reduction='none'), truth == logits.shape[1] - 1
    return sum((losses[part].mean() for part in (none, ~none) if part.any()), logits.sum() * 0)


def going_loss(model: TpoModel, batch: Batch, told: Told, weight: float) -> dict[str, Tensor]:
    """A cell's trail, and a noun's embedding, must know which way its things go: cross-entropy at the cells that hold one in the last frame."""
    known = batch.going >= 0                                                           # (B, S, N)
    if not known.any():
        return {'name.way': told.embedding.sum() * 0, 'name.trail': told.going.sum() * 0}
    wanted = batch.going[known]
    ways = model.backbone.words.ways(told.embedding).float().unflatten(-1, (known.shape[-1], -1))  # (B, S, N, 5)
    return {'name.way': weight * F.cross_entropy(ways[known], wanted), 'name.trail': weight * F.cross_entropy(told.going[known].float(), wanted)}


def presence_loss(model: TpoModel, visual: Tensor, truth: Alignment, weight: float, heard: Tensor) -> dict[str, Tensor]:
    """Only of lessons whose evidence is real, heard (B): imitated silence teaches to trust the pretrained eyes more than drawings bear."""
    nouns = model.backbone.nouns
    losses = F.binary_cross_entropy_with_logits(nouns.presence(visual, unpushed(nouns.unit(), truth)), truth.present, reduction='none') * truth.sure * heard[:, None]
    return {'presence': weight * losses.sum() / heard.sum().clamp(min=1) / 4}


def naming_of_cells(model: TpoModel, visual: Tensor, maps: Maps, truth: Alignment, weight: float) -> dict[str, Tensor]:
    """Cells must say which noun they show, coarse in every frame seen and fine in the pooled ones; the picture, which nouns are in it."""
    nouns = model.backbone.nouns
    vectors = unpushed(nouns.unit(), truth)
    coarse = nouns.coarse_match(nouns.split(visual).tokens, vectors)                   # (B, T, nouns, N)
    coarse = coarse.transpose(2, 3)                                                         # (B, T, N, nouns)
    cells = maps.match.flatten(2).transpose(1, 2).flatten(0, 1)                         # (P·G·G, M)
    heat = gaussian_heat(truth.centres, truth.centre_of, len(truth.fine), truth.fine.shape[-1])
    painted = truth.colour.flatten()
    coloured = painted >= 0
    colour = maps.colour.flatten(2).transpose(1, 2).flatten(0, 1)[:, :-1]
    return {
        'align.coarse': weight * cell_loss(lambda chosen: coarse.flatten(0, 2)[chosen], truth.coarse.flatten(), 0.15),
        'align.fine': weight * cell_loss(lambda chosen: nouns.fine_match(cells[chosen], vectors).T, truth.fine.flatten(), 0.04),
        'align.frame': weight * frame_loss(coarse, truth.coarse),
        'align.centre': weight * centre_focal(maps.centre[:, 0], heat).mean(),
        'align.colour': weight * (F.cross_entropy(colour[coloured], painted[coloured]) if coloured.any() else colour.sum() * 0),
    }


def unpushed(vectors: Tensor, truth: Alignment) -> Tensor:
    """Nouns that are never drawn are negatives for every cell; pushed away by all, their vectors would end as one and the same. So cells may
    learn to keep away from them, they stay where they are."""
    known = drawn() | (truth.present > 0).any(0)
    return torch.where(known[:, None], vectors, vectors.detach())


@cache
def drawn() -> Tensor:
    """(nouns) bool: those that SpriteWorld draws."""
    places = {vocabulary().place_of(noun.name) for noun in NOUNS}
    return torch.tensor([place in places for place in range(len(vocabulary().nouns))])


def cell_loss(logits_of: Callable[[Tensor], Tensor], truth: Tensor, empties: float) -> Tensor:
    """Things: cross-entropy over nouns and nothing (logit 0). Empty cells: the same on a sample, a third of the weight."""
    thing = truth >= 0
    chosen = thing | ((truth == NOTHING) & (torch.rand(truth.shape) < empties))
    full = F.pad(logits_of(chosen), (0, 1))                                                 # (n, nouns + 1)
    wanted = torch.where(thing[chosen], truth[chosen], full.shape[-1] - 1)
    share = torch.where(thing[chosen], 1.0, 0.33)
    return (F.cross_entropy(full, wanted, reduction='none') * share).sum() / share.sum().clamp(min=1)


def frame_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Multi-label: the best cell of a frame says whether a noun is in it. logits (B, T, N, nouns), truth (B, T, N)."""
    best = logits.amax(2)                                                                  # (B, T, nouns)
    present = torch.zeros_like(best)
    b, t, n = (truth >= 0).nonzero(as_tuple=True)
    present[b, t, truth[b, t, n]] = 1
    sure = 1 - (truth == UNSURE).any(2).float()[..., None] * (1 - present)                  # where a cell is unsure, only what is surely there counts
    losses = F.binary_cross_entropy_with_logits(best, present, reduction='none') * sure
    return losses.sum() / (best.shape[0] * best.shape[1]) / 4


def key_masks(model: TpoModel, batch: Batch, done: Pass) -> Masks:
    rows = batch.mask
    prompt = model.mask.prompt_state(done.states[rows.query])
    age = torch.zeros(len(rows.query))
    return model.mask.decode(done.head_map, done.maps.skip, prompt, age, model.mask.no_memory(len(rows.query)), rows.frame)


def track_loss(model: TpoModel, batch: Batch, done: Pass) -> dict[str, Tensor]:
    """Propagation: each step remembers its own outlines, as in serving; the loss is on every frame's pixels."""
    rows, head = batch.tracks, model.mask
    prompt = track_prompts(model, batch, done)
    count, steps = rows.frames.shape
    entries: list[Tensor] = []
    total: dict[str, Tensor] = {}
    for step in range(steps):
        frame = rows.frames[:, step]
        memory = head.no_memory(count)
        if entries:
            kept = [0, *range(max(1, step - 2), step)]
            memory = Memory(torch.stack([entries[i] for i in kept], 1), torch.ones(count, len(kept)), torch.tensor([[step - i for i in kept]]).float().expand(count, -1))
        here, own = HeadMap(*(part[frame] for part in done.head_map)), torch.arange(count)
        found = head.decode(here, done.maps.skip[frame], prompt, torch.full((count,), float(step)), memory, own)
        for name, value in mask_loss(whole(found), rows.target[:, step]).items():
            total[name] = total.get(name, 0) + value / steps
        entries.append(head.memorise(here, found.mask, found.object.sigmoid(), memory, own))
    return total


def track_prompts(model: TpoModel, batch: Batch, done: Pass) -> Tensor:
    rows, head = batch.tracks, model.mask
    drawn = torch.where((rows.kind == 1)[:, None, None], head.prompt_boxes(rows.boxes), head.prompt_points(rows.points))
    if len(done.states) == 0:
        return drawn
    asked = head.prompt_state(done.states[rows.query.clamp(min=0)])
    return torch.where((rows.kind == 0)[:, None, None], asked, drawn)
