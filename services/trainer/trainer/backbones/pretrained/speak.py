"""A tuned language model as it is served: greedy words, and at every trigger the task embedding. The TypeScript runtime does the same with the exported graphs."""
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import DynamicCache

from trainer.backbones.pretrained.model import Pretrained, Sight


@dataclass
class Mark:
    task: str
    phrase: str
    state: Tensor    # (1, d)


@dataclass
class Answer:
    ids: list[int]   # everything fed behind the prompt
    text: str
    marks: list[Mark]


class Speaker:
    def __init__(self, model: Pretrained) -> None:
        self.model = model.eval()

    @torch.no_grad()
    def see(self, frames: Tensor) -> Sight:
        """frames uint8 (T, S, S, 3)."""
        return self.model.encode(frames[None])

    def ask(self, sight: Sight, text: str) -> Answer:
        return self.speak(sight, text, [])

    def force(self, sight: Sight, phrase: str, task: str) -> Mark:
        """The trigger is fed; whether the thing is there is the head's decision."""
        return self.speak(sight, phrase, self.model.language.forced(phrase, task)[:-1], stop=True).marks[0]

    @torch.no_grad()
    def speak(self, sight: Sight, text: str, forced: list[int], stop: bool = False) -> Answer:
        model, language, cache = self.model, self.model.language, DynamicCache()
        device = model.words.ids.device

        def embed(ids: list[int]) -> Tensor:
            return model.embed(torch.tensor([ids], device=device, dtype=torch.long))

        def feed(embeds: Tensor) -> tuple[Tensor, Tensor]:
            spoken = model.decode(embeds, cache=cache)
            return spoken.logits[0, -1], spoken.hidden[:, -1].float()

        before, after = language.prompt(text)
        logits, _ = feed(torch.cat([embed(before), model.prefix(sight.visual), embed(after)], 1))
        ids: list[int] = []
        marks: list[Mark] = []
        phrase: list[int] = []
        pending = list(forced)
        while len(ids) < model.settings.longest:
            token = pending.pop(0) if pending else int(logits.argmax())
            if token == language.eos:
                break
            ids.append(token)
            logits, _ = feed(embed([token]))
            if token == language.phrase:
                phrase = []
            elif task := language.triggers.get(token):
                # The trigger is in the cache now: only then the task token, whose state the head reads; both stay.
                ids.append(language.tasks[task])
                logits, state = feed(embed([language.tasks[task]]))
                marks.append(Mark(task, language.shown(phrase), state))
                phrase = []
                if stop:
                    break
            else:
                phrase.append(token)
        return Answer(ids, language.shown(ids), marks)
