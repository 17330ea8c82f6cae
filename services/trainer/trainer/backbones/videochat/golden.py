"""Asks that a VideoChat bundle must repeat: one answered freely, one with the trigger fed."""
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
import torch
from tokenizers import Tokenizer
from torch import Tensor

from trainer.backbones.videochat.graphs import Region, graphs_of
from trainer.backbones.videochat.model import VideoChat
from trainer.backbones.videochat.speak import Answer, answer

if TYPE_CHECKING:
    from trainer.backbones.videochat.export import Options

PHRASE, QUESTION, GIVEN = 'the red car', 'where is the red car?', 'where is the car in <box> now?'
BOX, OTHER = [0.1, 0.2, 0.5, 0.6], [0.6, 0.1, 0.9, 0.9]


@torch.no_grad()
def golden_asks(model: VideoChat, tokenizer: Tokenizer, folder: Path, options: 'Options') -> list[dict[str, object]]:
    vision = graphs_of(model)[0]
    frames = vision.example[0][:1]
    files = [f'golden/a{place:02d}.png' for place in range(frames.shape[1])]
    for name, frame in zip(files, frames[0].numpy()):
        Image.fromarray(np.ascontiguousarray(frame)).save(folder / name, optimize=True)
    visual, _ = vision.module(frames)
    times = [-options.every_ms * back for back in reversed(range(frames.shape[1]))]
    encode = lambda text: tokenizer.encode(text, add_special_tokens=False).ids
    placeholders = model.ids.placeholders()

    def prompt(text: str, boxes: list[list[float]] | None) -> Tensor:
        ids = encode(options.template.replace('{{ text }}', text.replace('<box>', '<track_box>')))
        at = ids.index(tokenizer.token_to_id('<video>'))
        embed = lambda part, given=None: model.embed(torch.tensor([part], dtype=torch.long), boxes=given)
        return torch.cat([embed(ids[:at]), visual, embed(ids[at + 1:], torch.tensor(boxes) if boxes else None)], 1)

    def query(said: Answer, place: int) -> str:
        """The words since `<p>` or the last trigger."""
        breaks = [-1, *(at for at, token in enumerate(said.tokens[:place]) if token == tokenizer.token_to_id('<p>') or token in model.ids.triggers())]
        return tokenizer.decode(said.tokens[breaks[-1] + 1:place], skip_special_tokens=True) if len(breaks) > 1 else ''

    def ask(text: str, forced: list[int] | None, task: str | None, boxes: list[list[float]] | None = None) -> dict[str, object]:
        said = answer(model, prompt(text, boxes), most=len(forced) if forced else options.longest, forced=forced)
        tokens = [token for token in said.tokens if token != tokenizer.token_to_id('</s>')]
        ids = [each for place, token in enumerate(tokens) for each in (token, *(placeholders[pointed.task] for pointed in said.pointed if pointed.place == place))]
        evidence = [{'task': 'region', 'query': query(said, pointed.place) or text, 'object': 1.0, 'boxes': Region(model)(pointed.state[None])[0][0].tolist()}
                    for pointed in said.pointed if pointed.task == 'region']
        return {'frames': files, 'times': times, 'text': text, **({'forced': task} if task else {}), **({'boxes': boxes} if boxes else {}), 'tokens': [] if task else ids,
                'answer': '' if task else tokenizer.decode(ids, skip_special_tokens=True), 'evidence': evidence}

    phrase = [tokenizer.token_to_id('<p>'), *encode(PHRASE), model.ids.of('<box_begin>')]
    return [ask(QUESTION, None, None), ask(PHRASE, phrase, 'region'), ask(GIVEN, None, None, [BOX]), ask(GIVEN, None, None, [OTHER])]
