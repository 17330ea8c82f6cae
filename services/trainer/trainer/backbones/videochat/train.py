"""The three stages on VideoChat: the table of `stages.py` over SpriteWorld."""
from random import Random

from tokenizers import Tokenizer

from trainer.backbones.staged import Run, Source, Stage, keep_in_fp32, run_stages
from trainer.backbones.trained import save_trained
from trainer.backbones.videochat.lessons import Features, Teacher
from trainer.backbones.videochat.model import VideoChat
from trainer.backbones.videochat.objective import Lesson, objective
from trainer.backbones.videochat.stages import STAGES, part_of
from trainer.data.clip import SpriteWorld
from trainer.data.config import WorldConfig


def train(model: VideoChat, tokenizer: Tokenizer, names: list[str], run: Run, features: Features | None = None) -> dict[str, list[float]]:
    """→ the loss of every step, by stage. Writes metrics.jsonl and, after each stage, trained.safetensors."""
    in_mixed_precision(model)
    world = SpriteWorld(WorldConfig.load('spriteworld-v1', size=model.config.picture))
    rows = [(STAGES[name], source(model, tokenizer, world, run, STAGES[name], features), objective) for name in names]
    return run_stages(model, rows, run, part_of, lambda: save_trained(model, part_of, run.folder / 'trained.safetensors', {'steps': str(run.steps), 'settings': model.config.name}))


def in_mixed_precision(model: VideoChat) -> VideoChat:
    """What is trained, and what its losses are reckoned with, in fp32; Mistral and the rest of SAM 2 stay as they are stored."""
    keep_in_fp32(model, part_of)
    model.cg_criterion.float()
    model.sam.sam_prompt_encoder.float()   # bf16 would round a box's corners to whole pixels and coarser
    return model


def source(model: VideoChat, tokenizer: Tokenizer, world: SpriteWorld, run: Run, stage: Stage, features: Features | None) -> Source:
    def lessons(step: int) -> list[Lesson]:
        teacher = Teacher(model.config, tokenizer, Random(f'{run.seed} {stage.name} {step}'), features)
        return [teacher.lesson(world.clip('train', teacher.rng.randrange(run.clips)), stage.heads) for _ in range(run.batch)]

    return lessons
