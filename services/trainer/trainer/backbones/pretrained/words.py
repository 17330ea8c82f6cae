"""TPO's words: their ids in the tokenizer, and their learned rows beside the language model's frozen tables."""
import torch
from tokenizers import AddedToken, Tokenizer
from torch import Tensor, nn

from trainer.backbones.pretrained.settings import TASKS, Settings

PHRASE, BOX = '<p>', '<box>'
TRIGGERS = tuple(f'<{task}>' for task in TASKS)
TASK_TOKENS = tuple(f'<{task}_task>' for task in TASKS)
ADDED = (PHRASE, *TRIGGERS, *TASK_TOKENS)


class Words(nn.Module):
    """Input rows of triggers and of task tokens, and output rows of all of them. The tables of the language model stay as published."""

    def __init__(self, ids: list[int], mean_in: Tensor, mean_out: Tensor) -> None:
        super().__init__()
        near = lambda mean, count: nn.Parameter(mean.float().repeat(count, 1) + torch.randn(count, len(mean)) * mean.float().std().clamp(min=0.02))
        split = len(ids) - len(TASK_TOKENS)
        self.triggers, self.tasks, self.outputs = near(mean_in, split), near(mean_in, len(TASK_TOKENS)), near(mean_out, len(ids))
        self.register_buffer('ids', torch.tensor(ids), persistent=False)

    def embed(self, embeds: Tensor, ids: Tensor) -> Tensor:
        """embeds (B, S, d) of the language model's table, with our rows put in."""
        is_ours = ids[..., None] == self.ids                                     # (B, S, n)
        ours = is_ours.to(embeds.dtype) @ self.rows().to(embeds.dtype)
        return torch.where(is_ours.any(-1, keepdim=True), ours, embeds)

    def score(self, logits: Tensor, hidden: Tensor) -> Tensor:
        """logits (B, S, V) with the columns of our words from our rows."""
        return logits.index_copy(-1, self.ids, (hidden @ self.outputs.to(hidden.dtype).T).to(logits.dtype))

    def rows(self) -> Tensor:
        return torch.cat([self.triggers, self.tasks])


class Language:
    """Text to ids and back: the tokenizer with TPO's words, the prompt, forced triggers."""

    def __init__(self, tokenizer: Tokenizer, settings: Settings) -> None:
        self.tokenizer, self.settings = tokenizer, settings
        tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in (*ADDED, BOX) if tokenizer.token_to_id(token) is None])
        self.eos, self.visual, self.phrase, self.box = self.id(settings.eos), self.id(settings.visual), self.id(PHRASE), self.id(BOX)
        self.ids = [self.id(token) for token in ADDED]
        self.triggers = {self.id(trigger): task for trigger, task in zip(TRIGGERS, TASKS)}
        self.tasks = {task: self.id(token) for task, token in zip(TASKS, TASK_TOKENS)}

    def id(self, token: str) -> int:
        found = self.tokenizer.token_to_id(token)
        assert found is not None, f'The tokenizer has no token {token}; it is not that of the model that is expected here.'
        return found

    def encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def prompt(self, text: str) -> tuple[list[int], list[int]]:
        """The ids before and behind the pictures."""
        ids = self.encode(self.settings.template.replace('{{ text }}', text))
        at = ids.index(self.visual)
        return ids[:at], ids[at + 1:]

    def answer(self, text: str) -> list[int]:
        """Every trigger is followed by its task token, the whole by the end."""
        ids: list[int] = []
        for token in self.encode(text):
            ids.append(token)
            if token in self.triggers:
                ids.append(self.tasks[self.triggers[token]])
        return [*ids, self.eos]

    def forced(self, phrase: str, task: str) -> list[int]:
        return [self.phrase, *self.encode(phrase), next(id for id, name in self.triggers.items() if name == task), self.tasks[task]]

    def shown(self, ids: list[int]) -> str:
        return self.tokenizer.decode(ids, skip_special_tokens=True)
