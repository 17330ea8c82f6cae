"""VideoChat-TPO's answer, word by word, with the task embedding of every trigger.

The published loop has defects that training does not share: it runs the task token before the trigger is in the cache, drops the task token from the cache,
and keeps only the last trigger. `compat=True` does exactly that; by default the trigger is fed first, then the task token, and both stay.
"""
from copy import deepcopy
from dataclasses import dataclass, field

import torch
from torch import Tensor
from transformers import DynamicCache

from trainer.backbones.videochat.model import VideoChat

EOS = 2


@dataclass
class Pointed:
    task: str
    place: int      # index of the trigger among the answer's tokens
    state: Tensor   # (d)


@dataclass
class Answer:
    tokens: list[int] = field(default_factory=list)
    pointed: list[Pointed] = field(default_factory=list)


@torch.no_grad()
def answer(model: VideoChat, prompt: Tensor, compat: bool = False, most: int = 20, forced: list[int] | None = None) -> Answer:
    """prompt (1, S, d) embeddings. `forced` gives the tokens instead of the model's greedy choice."""
    cache = DynamicCache()
    triggers, embed = model.ids.triggers(), model.lm.get_input_embeddings() if compat else model.embed  # published decoding knows no placeholders
    given = Answer()

    def feed(embeds: Tensor, into: DynamicCache = cache) -> tuple[Tensor, Tensor]:
        out = model.lm(inputs_embeds=embeds, cache=into, use_cache=True, output_hidden_states=True)
        return out.logits[0, -1], out.hidden_states[-1][0, -1]

    logits, _ = feed(prompt)
    while len(given.tokens) < most:
        token = forced[len(given.tokens)] if forced is not None and len(given.tokens) < len(forced) else int(logits.argmax())
        given.tokens.append(token)
        task = triggers.get(token)
        if task and compat:
            given.pointed = [Pointed(task, len(given.tokens) - 1, feed(model.task_token(task), deepcopy(cache))[1])]
        if token == EOS:
            break
        logits, _ = feed(embed(torch.tensor([[token]], device=prompt.device)))
        if task and not compat:
            logits, state = feed(model.task_token(task))
            given.pointed.append(Pointed(task, len(given.tokens) - 1, state))
    return given
