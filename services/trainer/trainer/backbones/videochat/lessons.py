"""SpriteWorld as VideoChat-TPO is taught it: one request, answered by words or by one trigger with its task token.

Moments are taught from features of encoders outside the checkpoint; without a source of such features they are left out.
"""
from collections.abc import Callable
from random import Random

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from trainer.backbones.videochat.config import VideoChatConfig
from trainer.backbones.videochat.export import TEMPLATE
from trainer.backbones.videochat.graphs import MEAN, STD
from trainer.backbones.videochat.objective import Lesson, Moment
from trainer.backbones.videochat.tokens import TOKENS, TokenIds
from trainer.data.ask import Target
from trainer.data.clip import Clip

Features = Callable[[Clip, str], tuple[Tensor, Tensor]]   # of a clip and its request: words (W, d), clips (L, clip)
POINTS = {'region': ('<box_begin>', '<boxes>'), 'mask': ('<track_begin>', '<tracking>'), 'track': ('<track_begin>', '<tracking>'), 'moment': ('<time_begin>', '<temp>')}
FOLLOW = 'Track the object in the video using a box with initial coordinates <track_box>.'
GIVEN_SHARE = 0.3


class Teacher:
    def __init__(self, config: VideoChatConfig, tokenizer: Tokenizer, rng: Random, features: Features | None = None) -> None:
        self.config, self.tokenizer, self.rng, self.features = config, tokenizer, rng, features
        self.ids, self.eos = TokenIds(config.vocabulary - len(TOKENS)), tokenizer.token_to_id('</s>')

    def lesson(self, clip: Clip, heads: bool = True) -> Lesson:
        """heads=False: words and triggers, nothing for a head to find."""
        asks = [ask for ask in clip.asks if self.taught(ask.targets)]
        ask = self.rng.choice(asks)
        if not ask.targets:
            return self.written(clip, ask.text, [*self.encode(ask.answer), self.eos], [])
        target = ask.targets[0]
        trigger, placeholder = (self.ids.of(token) for token in POINTS[target.task])
        follow = target.task in ('mask', 'track') and self.rng.random() < GIVEN_SHARE
        given = [first_box(clip, target)] if follow else []
        lesson = self.written(clip, FOLLOW if follow else ask.text, [trigger, placeholder, self.eos], given)
        return self.with_truth(lesson, clip, target, ask.text) if heads else lesson

    def taught(self, targets: list[Target]) -> bool:
        """One thing that is there, since the published answer has one box and no word for absence; or a question for words."""
        if not targets:
            return True
        target = targets[0]
        if len(targets) > 1 or not target.present or (target.task == 'moment' and (self.features is None or not target.spans)):
            return False
        return target.task == 'moment' or len(target.things) == 1

    def written(self, clip: Clip, text: str, answer: list[int], given: list[Tensor]) -> Lesson:
        before, after = TEMPLATE.replace('{{ text }}', text).split('<video>')
        places = self.config.queries + self.config.extra_queries
        head, tail = self.encode(before), self.encode(after)
        ids = [*head, *[0] * places, *tail, *answer]
        where = [False] * len(head) + [True] * places + [False] * (len(tail) + len(answer))
        placeholders = set(self.ids.placeholders().values())
        spoken = [False] * (len(ids) - len(answer)) + [token not in placeholders for token in answer]
        return Lesson(self.video(clip), ids, where, spoken, given=given)

    def with_truth(self, lesson: Lesson, clip: Clip, target: Target, text: str) -> Lesson:
        place = len(lesson.ids) - 2                                       # before the end
        if target.task == 'region':
            thing = next(thing for thing in clip.things if thing.id == target.things[0])
            lesson.boxes = [(place, torch.from_numpy(thing.boxes[-1]))]
        elif target.task == 'moment' and self.features is not None:
            words, clips = self.features(clip, text)
            lesson.moments = [(place, Moment(words, clips, torch.tensor(target.spans) / len(clip.frames), video=str(clip.seed)))]
        else:
            lesson.followed = [(place, first_box(clip, target))]
        return lesson

    def video(self, clip: Clip) -> Tensor:
        chosen = np.linspace(0, len(clip.frames) - 1, self.config.frames).round().astype(int)
        frames = torch.from_numpy(clip.frames[chosen]).float() / 255
        return ((frames - torch.tensor(MEAN)) / torch.tensor(STD)).permute(3, 0, 1, 2)

    def encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False).ids


def first_box(clip: Clip, target: Target) -> Tensor:
    """Where the thing is first to be seen; the mask adapter prompts the first frame."""
    thing = next(thing for thing in clip.things if thing.id == target.things[0])
    return torch.from_numpy(thing.boxes[int(thing.visible.argmax())])
