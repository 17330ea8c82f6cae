"""The stages as a table: what trains, how fast, on what mix of lessons, with which losses, for what share of the steps.

Stages 1–3 are TPO's (arXiv 2412.19326, section 3.2); `look` and `base` (stage 0) stand for the pretrained multimodal model
that nano does not have. `preference` goes
on from corrections collected in production, with a replay of ordinary lessons against forgetting.
"""
from dataclasses import dataclass, field

from trainer.objective import Weights


@dataclass(frozen=True)
class Stage:
    name: str
    share: float                       # of the total steps of `train all`
    rate: float                        # peak learning rate
    trains: tuple[str, ...]            # prefixes of parameter names
    mix: dict[str, float]
    weights: Weights
    factors: dict[str, float] = field(default_factory=dict)  # prefix → factor on the rate
    floor: float = 0.02                # of the peak rate, where the cosine ends
    stills: bool = False               # fresh single pictures instead of lessons

    @property
    def names_cells(self) -> bool:
        """Whether the neck learns; where it does not, a clip's visual tokens are remembered."""
        return 'backbone.neck' in self.trains


def mix(**changes: float) -> dict[str, float]:
    """live: share of lessons at an earlier frame; rename: of lessons with a renamed thing; asked, forced: of a clip's questions; standing: of queries
    supervised on a second frame; contrast: of lessons that ask for the wrong colour or way; photo: of lessons on photographs; correction: of lessons on corrections (`preference` alone); triggers: 0 leaves out questions that a head answers."""
    return {'live': 0.35, 'rename': 0.25, 'flip': 0.5, 'caption': 0.3, 'asked': 0.8, 'triggers': 1.0, 'forced': 0.6, 'standing': 0.75, 'contrast': 0.6, 'photo': 0.2} | changes


NO_HEADS = {'region': 0.0, 'mask': 0.0, 'track': 0.0, 'moment': 0.0}
HEADS = ('reader', 'region', 'mask', 'moment')
NAMELESS = ('backbone.neck.skip', 'backbone.neck.fine', 'backbone.neck.outline')  # what names nothing in the neck may learn from cached clips
LANGUAGE = ('backbone.decoder', 'backbone.words', 'backbone.nouns.blend', 'backbone.nouns.weigh')

STAGES: dict[str, Stage] = {stage.name: stage for stage in (
    # encoder and neck learn to name shapes from pictures they see once each; cached clips, seen again and again, they would learn by heart
    Stage('look', 0.385, 2e-3, ('backbone.encoder', 'backbone.neck', 'backbone.nouns'), mix(), Weights(align=1.0), {'backbone.encoder': 0.2}, stills=True),
    # base alignment: pictures, words and nouns meet; captions and plain questions, no task token
    Stage('base', 0.04, 1e-3, LANGUAGE, mix(triggers=0.0, forced=0.0, caption=1.0, asked=1.0), Weights(**NO_HEADS, name=0.0), floor=0.5),
    # task assignment: which trigger belongs to which request; language model only
    Stage('assign', 0.02, 6e-4, LANGUAGE, mix(forced=0.0, asked=1.0, live=0.3), Weights(**NO_HEADS, name=0.0)),
    # each head learns its task embedding, and the language model to write it
    Stage('heads', 0.08, 1e-3, (*HEADS, *NAMELESS, *LANGUAGE), mix(asked=0.5, forced=0.9), Weights(name=1.0), {'backbone': 0.5}, floor=0.5),
    # everything together, with conversation
    Stage('together', 0.475, 1e-3, (*HEADS, *NAMELESS, *LANGUAGE), mix(), Weights(name=1.0, mask=1.5, track=1.5)),
)}
ALL = tuple(STAGES)
# Corrections name one thing of a picture, the alignment losses need them all: they rest, and so does what they train.
PREFERENCE = Stage('preference', 1.0, 1e-4, (*HEADS, 'backbone.decoder', 'backbone.words'), mix(correction=0.5), Weights(presence=0.0))


def rate_at(step: int, steps: int, peak: float, warm: float = 0.2, longest_warm: int = 100, floor: float = 0.02) -> float:
    """Warm-up over a fifth of the steps (100 at most), then a cosine down to `floor`."""
    from math import cos, pi
    warm_steps = max(1, min(longest_warm, int(steps * warm)))
    if step < warm_steps:
        return peak * (step + 1) / warm_steps
    along = (step - warm_steps) / max(1, steps - warm_steps)
    return peak * (floor + (1 - floor) * (1 + cos(pi * min(1.0, along))) / 2)
