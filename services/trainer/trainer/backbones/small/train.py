"""The stages on `small`: the table of `stages.py` over SpriteWorld."""
from trainer.backbones.pretrained.checkpoint import save_trained
from trainer.backbones.pretrained.objective import objective
from trainer.backbones.small.align import AlignLessons, align_objective
from trainer.backbones.small.clips import Clips
from trainer.backbones.small.find import FindLessons, find_objective
from trainer.backbones.small.lessons import SmallLessons
from trainer.backbones.small.model import Small
from trainer.backbones.small.stages import ALIGN, FIND, STAGES
from trainer.backbones.staged import Objective, Run, Source, Stage, run_stages
from trainer.data.clip import SpriteWorld
from trainer.data.config import WorldConfig


def train(model: Small, names: list[str], run: Run, clips: Clips) -> dict[str, list[float]]:
    """→ the loss of every step, by stage. Writes metrics.jsonl and, after each stage, trained.safetensors."""
    assert run.clips <= len(clips), f'{run.clips} clips are wanted, there are {len(clips)}.'
    return run_stages(model, [row(model, name, run, clips) for name in names], run, model.part_of, lambda: save_trained(model, run.folder / 'trained.safetensors', run.steps))


def row(model: Small, name: str, run: Run, clips: Clips) -> tuple[Stage, Source, Objective]:
    if name == ALIGN.name:
        return ALIGN, AlignLessons(clips, run, name), align_objective
    if name == FIND.name:
        return FIND, FindLessons(model, clips, run, name, SpriteWorld(WorldConfig.load('spriteworld-v1')).nouns), find_objective
    return STAGES[name], SmallLessons(model.language, model.settings.frames, clips, STAGES[name], run), objective
