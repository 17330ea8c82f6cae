"""The three stages on LLaVA-OneVision: the table of `stages.py` over SpriteWorld."""
from trainer.backbones.llava_onevision.model import LlavaOnevision
from trainer.backbones.llava_onevision.stages import STAGES
from trainer.backbones.pretrained.checkpoint import save_trained
from trainer.backbones.pretrained.live_lessons import LiveLessons
from trainer.backbones.pretrained.objective import objective
from trainer.backbones.staged import Run, run_stages
from trainer.data.clip import SpriteWorld
from trainer.data.config import WorldConfig


def train(model: LlavaOnevision, names: list[str], run: Run, world: SpriteWorld | None = None) -> dict[str, list[float]]:
    """→ the loss of every step, by stage. Writes metrics.jsonl and, after each stage, trained.safetensors."""
    world = world or SpriteWorld(WorldConfig.load('spriteworld-v1', size=model.picture))
    rows = [(STAGES[name], LiveLessons(model.language, model.settings.frames, world, STAGES[name], run), objective) for name in names]
    return run_stages(model, rows, run, model.part_of, lambda: save_trained(model, run.folder / 'trained.safetensors', run.steps))
