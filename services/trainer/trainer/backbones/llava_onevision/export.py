"""A LLaVA-OneVision with its TPO parts to a bundle."""
from pathlib import Path

from trainer.backbones.llava_onevision.model import LlavaOnevision
from trainer.backbones.pretrained.export import Options, Origin, export_pretrained


def export_llava(model: LlavaOnevision, folder: Path, options: Options) -> dict[str, float]:
    """Writes the bundle → how far each graph is from PyTorch."""
    part = {'name': 'LLaVA-OneVision', 'source': 'the folder given to the export', 'licence': options.licence, 'role': 'backbone'}
    return export_pretrained(model, folder, options, Origin('LLaVA-OneVision with task tokens and heads on its own vision features.', (part,)))
