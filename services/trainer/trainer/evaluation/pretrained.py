"""`small` and `llava-onevision` ready to be examined in PyTorch, with the weights of a run."""
import torch
from torch import Tensor

from trainer.backbones.pretrained.model import Pretrained, Sight
from trainer.backbones.pretrained.settings import TASKS
from trainer.backbones.pretrained.speak import Speaker
from trainer.evaluation.examinee import PointedBy
from trainer.heads.mask import Masks
from trainer.heads.moment import Moments
from trainer.heads.region import Regions
from trainer.spoken import Answer, Mark


class PretrainedParts:
    whole, tasks = False, frozenset(TASKS)

    def __init__(self, model: Pretrained) -> None:
        self.speaker, self.heads, self.device = Speaker(model), model.heads, model.words.ids.device
        self.frames, self.every_ms, self.picture, self.recent = model.settings.frames, model.settings.every_ms, model.picture, model.settings.recent

    def see(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        sights = [self.speaker.see(frame[None].to(self.device)) for frame in frames]   # one by one: a large tower has no room for all
        return torch.cat([sight.visual[0] for sight in sights]), torch.cat([sight.features[0] for sight in sights])

    def ask(self, visual: Tensor, times: Tensor, text: str) -> Answer:
        return self.speaker.ask(Sight(visual, visual), text)

    def force(self, visual: Tensor, times: Tensor, phrase: str, task: str) -> Mark:
        return self.speaker.force(Sight(visual, visual), phrase, task)

    @torch.no_grad()
    def regions(self, maps: Tensor, state: Tensor) -> Regions:
        return Regions(*(part.cpu() for part in self.heads['region'](maps, state)))

    @torch.no_grad()
    def moments(self, visual: Tensor, times: Tensor, state: Tensor) -> Moments:
        return Moments(*(part.cpu() for part in self.heads['moment'](visual.float(), times.to(visual.device), state)))

    @torch.no_grad()
    def prompt(self, by: PointedBy, value: Tensor) -> Tensor:
        head = self.heads['mask']
        return {'state': head.prompt_state, 'boxes': head.prompt_boxes, 'points': head.prompt_points}[by](value.to(self.device))

    @torch.no_grad()
    def outline(self, maps: Tensor, prompt: Tensor, age: Tensor, memory: list[tuple[Tensor, float]], places: int) -> Masks:
        head = self.heads['mask']
        tokens, valid, ages = head.nothing(1, places)
        for place, (entry, old) in enumerate(memory):
            tokens[:, place], valid[:, place], ages[:, place] = entry, 1.0, old
        return Masks(*(part.cpu() for part in head.decode(maps, prompt, age.to(maps), tokens, valid, ages)))

    @torch.no_grad()
    def memorise(self, maps: Tensor, mask: Tensor, present: Tensor, memory: list[tuple[Tensor, float]], places: int) -> Tensor:
        del memory, places  # each frame is remembered by itself
        return self.heads['mask'].memorise(maps, mask.to(maps), present.to(maps))
