"""A tuned language model as it is served: its cache behind the decode contract (`trainer/spoken.py`)."""
import torch
from torch import Tensor
from transformers import DynamicCache

from trainer.backbones.pretrained.model import Pretrained, Sight
from trainer.spoken import Answer, Mark, speak


class Speaker:
    def __init__(self, model: Pretrained) -> None:
        self.model = model.eval()

    @torch.no_grad()
    def see(self, frames: Tensor) -> Sight:
        """frames uint8 (T, S, S, 3)."""
        return self.model.encode(frames[None])

    def ask(self, sight: Sight, text: str, boxes: Tensor | None = None) -> Answer:
        """boxes (n, 4): what each `<box>` in the text stands for."""
        return self.speak(sight, text, [], boxes=boxes)

    def force(self, sight: Sight, phrase: str, task: str) -> Mark:
        """The trigger is fed; whether the thing is there is the head's decision."""
        return self.speak(sight, phrase, self.model.language.forced(phrase, task)[:-1], stop=True).marks[0]

    @torch.no_grad()
    def speak(self, sight: Sight, text: str, forced: list[int], stop: bool = False, boxes: Tensor | None = None) -> Answer:
        model, language, cache = self.model, self.model.language, DynamicCache()
        device = model.words.ids.device

        def embed(ids: list[int], given: Tensor | None = None) -> Tensor:
            return model.embed(torch.tensor([ids], device=device, dtype=torch.long), given)

        def feed(embeds: Tensor) -> tuple[Tensor, Tensor]:
            spoken = model.decode(embeds, cache=cache)
            return spoken.logits[0, -1], spoken.hidden[:, -1].float()

        before, after = language.prompt(text)
        logits, _ = feed(torch.cat([embed(before), model.prefix(sight.visual), embed(after, boxes)], 1))
        return speak(language, logits, lambda token: feed(embed([token])), model.settings.longest, forced, stop)
