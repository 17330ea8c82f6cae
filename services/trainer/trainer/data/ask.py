"""A question with its true answer and what its heads must find."""
from dataclasses import dataclass, field


@dataclass
class Target:
    task: str                                   # 'region', 'mask', 'track' or 'moment'
    phrase: str                                 # what the trigger grounds, with its article: 'the red car'
    things: list[int]                           # ids of the things meant; empty = absent
    noun: str                                   # the noun of the phrase, by its first name
    spans: list[tuple[float, float]] = field(default_factory=list)  # moment: in frames, [start, end)
    lookalike: bool = False                     # another of the noun is there
    by: str = 'name'                            # 'name', 'colour', 'place', 'relation', 'motion' or 'order'

    @property
    def present(self) -> bool:
        """Whether the reference answer has a trigger for it."""
        return bool(self.spans) if self.task == 'moment' else bool(self.things)


@dataclass
class Ask:
    kind: str                                   # 'region', 'mask', 'track', 'moment', 'multi', 'exist', 'count', 'motion', 'list' or 'caption'
    text: str
    answer: str                                 # with triggers; tokens separated by single spaces, lower case
    frame: int                                  # the last frame that the language model sees
    targets: list[Target] = field(default_factory=list)  # in the order of the phrases; those not present have no trigger in `answer`
