"""What was trained on top of a published language model: LoRA, words, heads, connector (`trained.py`)."""
from pathlib import Path

from trainer.backbones import trained
from trainer.backbones.pretrained.model import Pretrained


def save_trained(model: Pretrained, file: Path, steps: int) -> None:
    trained.save_trained(model, model.part_of, file, {'steps': str(steps), 'settings': model.settings.name})


def load_trained(model: Pretrained, file: Path) -> None:
    trained.load_trained(model, model.part_of, file)
