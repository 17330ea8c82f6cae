"""The `prefix` and `embed` graphs of nano: pictures and words on their way into the language model."""
import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.backbones.nano_attributes import attribute_of_token, bind, cells_like
from trainer.backbones.nano_nouns import NounEvidence, NounSpace
from trainer.backbones.nano_trails import FACTS, Course, chances, facts_of, follow, own_facts
from trainer.config import NanoConfig
from trainer.vocabulary import COLOURS, Vocabulary

WAYS = 5  # left, right, up, down, not at all
HATS = 7
LIKELY = 4   # how surely an attribute is true of something; the same where it speaks of a noun, as it is and as yes or no at two thresholds
STORY = 9
EVENTS = 6
PLAIN = STORY + 2 * EVENTS + 4 + 2 * HATS + 2 * WAYS + len(COLOURS) + 1 + 2 * (WAYS + 2)


def clock(times: Tensor, width: int) -> Tensor:
    """Textual time for a model without digits: sinusoids of the age in seconds. (B, T) ms → (B, T, width)."""
    speeds = torch.exp(torch.arange(width // 2, device=times.device) * (-math.log(200.0) / (width // 2))) * 6
    angles = times[..., None] / 1000 * speeds
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def hats(values: Tensor) -> Tensor:
    """A number as how near it is to 0, 1, … HATS − 1: (..., 1) → (..., HATS)."""
    return (1 - (values - torch.arange(HATS, device=values.device, dtype=values.dtype)).abs()).clamp(min=0)


def story(shown: Tensor) -> Tensor:
    """How surely something was there, frame by frame, as what `enters`, `leaves` and `is hidden` are read off: at first, at last, at most, at least, how much
    it rose and fell in all, in the first three frames, in the last three, on the whole. (..., T) → (..., STORY)."""
    change = shown.diff(dim=-1)
    few = lambda frames: frames.mean(-1)
    return torch.stack([shown[..., 0], shown[..., -1], shown.amax(-1), shown.amin(-1), change.clamp(min=0).sum(-1), (-change).clamp(min=0).sum(-1),
                        few(shown[..., :3]), few(shown[..., -3:]), few(shown)], -1)


def events(shown: Tensor) -> Tensor:
    """How surely something came, left or was hidden: gone at first (in the first two frames), at last (in the last two), between (for two frames), and there at
    other times; each as it is and as yes or no. (..., T) → (..., 2 · EVENTS)."""
    most, others = shown.amax(-1), shown[..., None, :].expand(*shown.shape, -1)                          # (..., T, T)
    before, after = others.tril(-1).amax(-1), others.triu(1).amax(-1)
    away = torch.minimum(1 - shown, torch.minimum(before, after))
    longer = torch.minimum(1 - torch.maximum(shown[..., :-1], shown[..., 1:]), torch.minimum(before[..., :-1], after[..., 1:]))
    gone = (shown[..., 0], shown[..., :2].amax(-1), shown[..., -1], shown[..., -2:].amax(-1))
    facts = torch.stack([*(torch.minimum(1 - frame, most) for frame in gone), away.amax(-1), longer.amax(-1)], -1)
    return torch.cat([facts, ((facts - 0.5) * 10).sigmoid()], -1)


class Told(NamedTuple):
    embedding: Tensor  # (B, Q, d)
    going: Tensor      # (B, Q, N, WAYS) logits: which way what is in each cell goes
    like: Tensor       # (B, Q, ATTRIBUTES, 2N + WAYS) of which of its things each attribute is true, and which way those go


class NanoEmbed(nn.Module):
    def __init__(self, config: NanoConfig, nouns: NounSpace, vocabulary: Vocabulary) -> None:
        super().__init__()
        d, n = config.width, config.coarse ** 2
        self.config, self.nouns = config, nouns
        self.words = nn.Parameter(torch.randn(len(vocabulary.tokens), d) * 0.3)
        self.sharpness = nn.Parameter(torch.tensor(2.0))  # of the logits over words
        self.bias = nn.Parameter(torch.zeros(len(vocabulary.tokens)))  # of the same
        self.lift = nn.Linear(config.match, d, bias=False)  # a noun's vector → its part of the word's embedding
        self.recall = nn.Sequential(nn.Linear(3 * config.frames + config.frames * n + 3 * n + 1 + len(COLOURS) + 1 + 2 + 4 * n, d), nn.GELU(), nn.Linear(d, d))
        self.stride = nn.Sequential(nn.Linear(FACTS, 32), nn.GELU(), nn.Linear(32, WAYS))  # a cell's trail → which way what is there goes
        self.trail = nn.Linear(n * (FACTS + WAYS), d, bias=False)
        self.plain = nn.Linear(PLAIN, d, bias=False)
        self.count = nn.Parameter(torch.tensor(1.15))  # cells at a thing's edge are unsure: sums are a little low
        self.turn = nn.Linear(HATS, d, bias=False)     # of the likely nouns that are there: the first, the second, …
        self.ways = nn.Linear(d, n * WAYS)  # which way what is in each cell goes: in training alone, so that a noun's embedding knows it
        self.like = nn.Linear(2 * n + WAYS + LIKELY, d, bias=False)  # at words of motion, age, colour and place: see `likened`
        self.course = nn.Linear(FACTS + WAYS, d, bias=False)  # at the last frame's cells: what the thing in it did
        e = nouns.noun_channels.shape[1]
        self.old = nn.Linear(2 * d, d)
        self.last = nn.Linear(2 * d + config.fine + config.match + 2 + len(COLOURS) + 1, d)
        self.known = nn.Linear(e, d, bias=False)
        self.time = nn.Linear(32, d)
        self.place_old = nn.Parameter(torch.randn(4, d) * 0.3)
        self.place_last = nn.Parameter(torch.randn(n, d) * 0.3)
        self.score = nn.Linear(2, d)
        self.kind = nn.Parameter(torch.randn(3, d) * 0.3)
        noun, attribute = vocabulary.noun_of_token(), attribute_of_token(vocabulary)
        self.register_buffer('noun_of_token', torch.tensor(noun), persistent=False)            # (V), −1 where it is no noun
        self.register_buffer('attribute_of_token', torch.tensor(attribute), persistent=False)  # (V), −1 where it is none
        self.register_buffer('looked_up', torch.maximum(self.noun_of_token, self.attribute_of_token), persistent=False)  # (V), −1 for words of which pictures say nothing
        self.begins, self.ends = vocabulary.id('<bos>'), vocabulary.id('<answer>')
        side = (torch.arange(config.coarse) + 0.5) / config.coarse
        self.register_buffer('grid', torch.stack([side.repeat(config.coarse), side.repeat_interleave(config.coarse)], -1), persistent=False)  # (N, 2) x, y

    def table(self) -> Tensor:
        """Word vectors, in and out: (V, d). A noun's forms share what the noun means."""
        named = (self.noun_of_token >= 0).float()[:, None]
        return self.words + self.lift(self.nouns.unit())[self.noun_of_token.clamp(min=0)] * named

    def forward(self, ids: Tensor, visual: Tensor, times: Tensor) -> Tensor:
        """ids (B, S), visual (B, T, N, C) → (B, S, d)."""
        del times  # frames come in order and evenly spaced; the prefix tells the time
        noun = self.noun_of_token[ids]
        told = self.told(visual, noun.clamp(min=0), self.nouns.asked(visual, noun.clamp(min=0)))
        here = torch.arange(len(ids), device=ids.device)[:, None]
        likened = self.likened(ids, visual, told.like, here, torch.arange(ids.shape[1], device=ids.device).expand_as(ids))
        return self.table()[ids] + (told.embedding * (noun >= 0).to(self.words.dtype)[..., None] + likened)

    def seen(self, ids: Tensor, visual: Tensor) -> Told:
        """What the pictures say of nouns and attributes among the words, nothing at other words. As `forward`, but every noun of a text is looked up once."""
        noun = self.noun_of_token[ids]                      # (B, S)
        unique = [row.unique() for row in noun.clamp(min=0)]
        asked = nn.utils.rnn.pad_sequence(unique, batch_first=True, padding_value=int(noun.max().clamp(min=0)))  # (B, K) ascending
        told = self.told(visual, asked, self.nouns.asked(visual, asked))
        place = torch.stack([torch.searchsorted(row, of) for row, of in zip(unique, noun.clamp(min=0))])     # (B, S) in K
        here = torch.arange(len(ids), device=ids.device)[:, None]
        likened = self.likened(ids, visual, told.like, here, place)
        return Told(told.embedding[here, place] * (noun >= 0).to(self.words.dtype)[..., None] + likened, told.going[here, place], told.like)

    def likened(self, ids: Tensor, visual: Tensor, like: Tensor, here: Tensor, place: Tensor) -> Tensor:
        """What the pictures say of words of motion, age, colour and place, nothing at other words: ids (B, S) → (B, S, d).

        like (B, Q, ATTRIBUTES, 2N + WAYS) of the nouns, here (B, 1) rows of the batch, place (B, S) in Q of each word's noun. A word that speaks of no noun tells of whatever is there.
        """
        noun, attribute = self.noun_of_token[ids], self.attribute_of_token[ids]           # (B, S)
        bound = bind(ids, noun, attribute, self.begins, self.ends).noun
        parts = self.nouns.split(visual)
        anything = cells_like(self.own_course(visual), parts.colour[:, -1] * parts.count[:, -1, :, :1].clamp(max=1), parts.count[:, -1, :, 0], self.grid)  # (B, ATTRIBUTES, ·)
        which = attribute.clamp(min=0)
        told = (bound >= 0).to(visual.dtype)[..., None]                                   # (B, S, 1)
        cells = like[here, place.gather(1, bound.clamp(min=0)), which] * told + anything[here, which] * (1 - told)  # (B, S, 2N + WAYS)
        surest = cells[..., :self.config.coarse ** 2].amax(-1, keepdim=True)
        likely = torch.cat([surest, told * surest, *(told * ((surest - middle) * 10).sigmoid() for middle in (0.3, 0.6))], -1)
        return self.like(torch.cat([cells, likely], -1)) * (attribute >= 0).to(visual.dtype)[..., None]

    def own_course(self, visual: Tensor) -> Course:
        """Of what is in each cell of the last frame, whatever it is."""
        with torch.no_grad():
            facts = own_facts(self.nouns, visual, self.grid)                              # (B, N, FACTS)
        return self.course_of(facts, self.stride(facts))

    @staticmethod
    def course_of(facts: Tensor, going: Tensor) -> Course:
        return Course(facts, going.softmax(-1) * facts[..., -2:-1])

    def told(self, visual: Tensor, nouns: Tensor, score: Tensor) -> Told:
        """nouns (B, Q) by number, score (B, Q) that each is there → what the pictures say of each."""
        evidence = self.nouns.look_up(visual, self.nouns.unit()[nouns], self.nouns.noun_channels[nouns], self.grid)
        facts, shown = self.facts(visual, nouns)                                          # (B, Q, N, FACTS), (B, Q, T)
        going = self.stride(facts)                                                        # (B, Q, N, WAYS)
        course = self.course_of(facts, going)
        mixed = self.recall[1:](self.recall[0](torch.cat(self.scaled(evidence), -1)) + self.trail(torch.cat(course, -1).flatten(2)))
        number = evidence.number[..., :-1]                                                # (B, Q, N)
        colour = number[..., None] * self.nouns.split(visual).colour[:, -1][:, None]      # (B, Q, N, colours + 1)
        like = cells_like(course, colour, number, self.grid)
        return Told(mixed + self.plain(self.plainly(evidence, score[..., None], course, shown)), going, like)

    def plainly(self, evidence: NounEvidence, score: Tensor, course: Course, shown: Tensor) -> Tensor:
        """What answers are read off, said so that one linear step reads it: is it there, how many, which ways, which colours, where those
        are that go each way, where the eldest and the youngest, when it was to be seen, whether it came, left or was hidden. shown (B, Q, T) → (B, Q, PLAIN)."""
        ways, age = course.ways, course.age
        number = evidence.number[..., -1:] * self.count
        there = [score.tanh(), *((score * 2 + shift).sigmoid() for shift in (-2, 0, 2))]
        youth = (course.there - age).clamp(min=0)
        shares = torch.cat([ways, age, youth], -1).square().square()                      # (B, Q, N, WAYS + 2), the surest cells count
        places = shares.transpose(-1, -2) @ (self.grid * 2 - 1) / (shares.sum(2)[..., None] + 1e-2)   # (B, Q, WAYS + 2, 2)
        return torch.cat([*there, hats(number), ways.amax(2), ways.sum(2), evidence.colours, places.flatten(2), story(shown), events(shown), hats(evidence.tally)], -1)

    @torch.no_grad()
    def facts(self, visual: Tensor, nouns: Tensor) -> tuple[Tensor, Tensor]:
        """Trails learn nothing, their eyes have learnt: nouns (B, Q) → (B, Q, N, FACTS), and how surely each was in each frame (B, Q, T)."""
        chance = chances(self.nouns, visual, self.nouns.unit()[nouns])
        return facts_of(follow(chance.flatten(0, 1), self.grid)).unflatten(0, nouns.shape), chance.flatten(3).amax(-1)

    def scaled(self, evidence: NounEvidence) -> list[Tensor]:
        return [evidence.trace / 4, evidence.place * 2 - 1, evidence.course / 4, evidence.last / 4, evidence.number, evidence.colours, evidence.motion]

    def prefix(self, visual: Tensor, times: Tensor) -> Tensor:
        """(B, T, N, C), (B, T) → (B, P, d): 4 tokens each older frame, every cell of the last, the likeliest nouns in alphabetical order."""
        parts = self.nouns.split(visual)
        tokens = parts.tokens                                # (B, T, N, d)
        before = torch.cat([tokens[:, :1], tokens[:, :-1]], 1)
        change = tokens - before
        age = self.time(clock(times, 32))[:, :, None]        # (B, T, 1, d)
        old = self.old(torch.cat([self.pooled(tokens[:, :-1]), self.pooled(change[:, :-1])], -1)) + self.place_old + age[:, :-1] + self.kind[0]
        last = self.last(torch.cat([tokens[:, -1], change[:, -1], parts.fine[:, -1], parts.best[:, -1], parts.count[:, -1], parts.colour[:, -1]], -1))
        last = last + self.known(parts.evidence[:, -1]) + self.course(torch.cat(self.own_course(visual), -1)) + self.place_last + self.kind[1]
        return torch.cat([old.flatten(1, 2), last, self.likely_nouns(visual)], 1)

    def pooled(self, tokens: Tensor) -> Tensor:
        """(B, T, N, d) → (B, T, 4, d): the four overlapping quarters of the picture."""
        b, t, n, d = tokens.shape
        side = self.config.coarse
        maps = tokens.reshape(b * t, side, side, d).permute(0, 3, 1, 2)
        half = (side + 1) // 2
        return F.avg_pool2d(maps, half, side - half).flatten(2).transpose(1, 2).reshape(b, t, 4, d)

    def likely_nouns(self, visual: Tensor) -> Tensor:
        scores = self.nouns.listed(visual)                                       # (B, nouns)
        chosen = scores.topk(self.config.noun_tokens, dim=1).indices.sort(dim=1).values  # (B, k), alphabetical as the nouns are
        score = scores.gather(1, chosen)[..., None]
        there = (score * 2).sigmoid()
        turn = hats(there.cumsum(1) - there) * there                             # (B, k, HATS)
        return self.lift(self.nouns.unit())[chosen] + self.told(visual, chosen, score[..., 0]).embedding + self.score(torch.cat([score / 4, score.sigmoid()], -1)) + self.turn(turn) + self.kind[2]

    @property
    def prefix_length(self) -> int:
        return 4 * (self.config.frames - 1) + self.config.coarse ** 2 + self.config.noun_tokens
