"""The model as it is served: pictures in, words and task embeddings out, greedy (the decode contract: trainer/spoken.py).

    speaker = Speaker(model, frozen)
    scene = speaker.see(frames, times)                 # uint8 (T, S, S, 3), ms relative to the last
    answer = speaker.ask(scene, 'where is the red car?')
    answer.text, answer.marks[0].phrase, speaker.regions(scene, answer.marks[0].state)
"""
from dataclasses import dataclass

import torch
from torch import Tensor

from trainer.backbones.nano_eyes import HeadMap, joined_map, split_map, visual_tokens
from trainer.backbones.nano_eyes import FrozenEyes, Sight
from trainer.heads.mask import Masks
from trainer.heads.moment import Moments
from trainer.heads.region import Regions
from trainer.model import TpoModel
from trainer.tokenizer import nano_tokenizer, prompt_ids
from trainer.sampling import sample_frames
from trainer.spoken import Answer, Mark, speak
from trainer.vocabulary import vocabulary

LONGEST = 40
TASKS = ('region', 'mask', 'moment')


@dataclass
class Scene:
    """The frames the language model sees, oldest first."""
    visual: Tensor  # (1, T, N, C)
    times: Tensor   # (1, T)
    s8: Tensor      # (T, F8, G, G)
    s4: Tensor      # (T, F4, 2G, 2G)

    def window(self, frame: int, size: int, every_ms: float) -> 'Scene':
        """What the language model sees at `frame` [AS7]: in a young stream the first frame stands for those before it."""
        kept = self.times[0, : frame + 1].tolist()
        index = torch.tensor(sample_frames(kept, {'end': kept[-1]}, size, every_ms))
        times = self.times[:, index]
        return Scene(self.visual[:, index], times - times[:, -1:], self.s8[index], self.s4[index])


class Speaker:
    def __init__(self, model: TpoModel, frozen: FrozenEyes | None = None) -> None:
        self.model, self.frozen = model.eval(), frozen
        words = vocabulary()
        self.words = words
        self.triggers = {words.id(f'<{task}>'): task for task in TASKS}
        self.tasks = {task: words.id(f'<{task}_task>') for task in TASKS}
        self.phrase, self.eos = words.id('<p>'), words.id('<eos>')

    @torch.no_grad()
    def see(self, frames: Tensor, times: Tensor) -> Scene:
        """frames uint8 (T, S, S, 3), times (T) ms relative to the last."""
        assert self.frozen is not None, 'A speaker without frozen eyes takes their findings: `see_sight`.'
        return self.see_sight(self.frozen(frames, self.model.backbone.encoder), times)

    @torch.no_grad()
    def see_sight(self, sight: Sight, times: Tensor) -> Scene:
        neck = self.model.backbone.neck
        deep = neck.deep(sight.taps.s16, sight.taps.s32)
        maps = neck.maps(sight.taps, deep, sight.rgb)
        photograph = self.model.backbone.texture(sight.taps)
        visual = visual_tokens(neck.tokens(deep), neck.fine_tokens(maps), sight.evidence, photograph, neck.block)
        return Scene(visual[None], times[None].float(), joined_map(maps, self.model.backbone.nouns.anything_in(maps.match), sight, photograph), maps.skip)

    @torch.no_grad()
    def ask(self, scene: Scene, text: str) -> Answer:
        return self.speak(scene, prompt_ids(text), [])

    @torch.no_grad()
    def force(self, scene: Scene, phrase: str, task: str) -> Mark:
        """The forced trigger: the model is not asked whether to point; absence is the head's decision."""
        words = nano_tokenizer().encode(phrase).ids
        trigger = self.words.id(f'<{task}>')
        return self.speak(scene, prompt_ids(phrase), [self.phrase, *words, trigger], stop=True).marks[0]

    def speak(self, scene: Scene, prompt: list[int], forced: list[int], stop: bool = False) -> Answer:
        backbone = self.model.backbone
        prefix = backbone.prefix(scene.visual, scene.times)
        size = prefix.shape[1]
        cache = backbone.empty_cache(1)
        length = 0

        def feed(embeds: Tensor, whole: int) -> tuple[Tensor, Tensor]:
            nonlocal length
            done = backbone.decode(embeds, torch.tensor([length]), torch.tensor([whole]), cache)
            for (keys, values), (new_keys, new_values) in zip(cache, done.cache):
                keys[:, :, length:length + embeds.shape[1]] = new_keys
                values[:, :, length:length + embeds.shape[1]] = new_values
            length += embeds.shape[1]
            return done.logits[0, -1], done.hidden[:, -1]

        looked_up = backbone.words.looked_up

        def embed(ids: list[int]) -> Tensor:
            if not (looked_up[ids] >= 0).any():
                return backbone.words.table()[ids][None]  # nothing to look up in the picture
            return backbone.embed(torch.tensor([ids]), scene.visual, scene.times)

        logits, _ = feed(torch.cat([prefix, embed(prompt)], 1), size)
        return speak(self, logits, lambda token: feed(embed([token]), 0), LONGEST, forced, stop)

    def shown(self, ids: list[int]) -> str:
        return nano_tokenizer().decode(ids, skip_special_tokens=True)

    def map_of(self, scene: Scene, frame: int = -1) -> HeadMap:
        return split_map(scene.s8[frame][None], self.model.config)

    @torch.no_grad()
    def regions(self, scene: Scene, state: Tensor, frame: int = -1) -> Regions:
        return self.model.region(self.map_of(scene, frame), state)

    @torch.no_grad()
    def mask(self, scene: Scene, state: Tensor, frame: int = -1) -> Masks:
        head = self.model.mask
        return head.decode(self.map_of(scene, frame), scene.s4[frame][None], head.prompt_state(state), torch.zeros(len(state)), head.no_memory(len(state), self.entries))

    @torch.no_grad()
    def moments(self, scene: Scene, state: Tensor) -> Moments:
        return self.model.moment(scene.visual, scene.times, state)

    @property
    def entries(self) -> int:
        return self.model.config.prompted + self.model.config.recent

    @torch.no_grad()
    def follow(self, scene: Scene, prompt: Tensor, frames: list[int]) -> list[Masks]:
        """Masks through the frames, the prompt given on the first of them; memory as the bundle's bank says: the prompted entry and the last few."""
        head, config = self.model.mask, self.model.config
        found: list[Masks] = []
        entries: list[tuple[int, Tensor]] = []
        for step, frame in enumerate(frames):
            bank = entries[:1] + entries[1:][-config.recent:]
            memory = head.no_memory(1, self.entries)
            for place, (when, tokens) in zip([0, *range(config.prompted, self.entries)], bank):
                memory.tokens[:, place], memory.valid[:, place], memory.age[:, place] = tokens, 1.0, float(step - when)
            masks = head.decode(self.map_of(scene, frame), scene.s4[frame][None], prompt, torch.tensor([float(step)]), memory)
            found.append(masks)
            entries.append((step, head.memorise(self.map_of(scene, frame), masks.mask, masks.object.sigmoid(), memory)))
        return found


