"""The decode contract, whichever model speaks: greedy tokens; at a trigger, the trigger is fed first and then its task token, whose hidden state is the task embedding.

Both stay in the cache (docs/design/bundle.md, Decode). The TypeScript runtime does the same with the exported graphs.
"""
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


class Tongue(Protocol):
    """What of a vocabulary the contract needs."""

    eos: int
    phrase: int                # `<p>`, which opens the words that the next trigger grounds
    triggers: dict[int, str]   # trigger → task
    tasks: dict[str, int]      # task → task token

    def shown(self, ids: list[int]) -> str: ...


@dataclass
class Mark:
    """A trigger in an answer: its head, the words it grounds, its task embedding."""
    task: str
    phrase: str     # empty where no `<p>` opened it: it grounds what was asked
    state: Tensor   # (1, d)


@dataclass
class Answer:
    ids: list[int]   # everything fed or emitted after the prompt
    text: str        # what is shown
    marks: list[Mark]


Feed = Callable[[int], tuple[Tensor, Tensor]]   # a token → logits (V) after it, its hidden state (1, d)


def speak(tongue: Tongue, logits: Tensor, feed: Feed, longest: int, forced: Sequence[int] = (), stop: bool = False) -> Answer:
    """logits (V) after the prompt; `forced` tokens come before the model's own; with `stop` the first task embedding ends it."""
    ids: list[int] = []
    marks: list[Mark] = []
    phrase: list[int] | None = None
    pending = list(forced)
    while len(ids) - len(marks) < longest:   # a task token is fed, not said
        token = pending.pop(0) if pending else int(logits.argmax())
        if token == tongue.eos:
            break
        ids.append(token)
        logits, _ = feed(token)
        if token == tongue.phrase:
            phrase = []
        elif task := tongue.triggers.get(token):
            ids.append(tongue.tasks[task])
            logits, state = feed(tongue.tasks[task])
            marks.append(Mark(task, tongue.shown(phrase) if phrase else '', state))
            phrase = None
            if stop:
                break
        elif phrase is not None:
            phrase.append(token)
    return Answer(ids, tongue.shown(ids), marks)
