"""VideoChat's masks as a part of a bundle: the checkpoint's own SAM 2.0 large, prompted by its mask adapter. `fovea model compose` puts it beside the answers."""
import json
from pathlib import Path

from torch import Tensor, nn

from trainer.backbones.videochat.model import PROMPT, VideoChat
from trainer.sam.part import export_part

SOURCE = 'OpenGVLab/VideoChat-TPO'


class TrackAdapter(nn.Module):
    """state (Q, d) → (Q, 3, 256): what SAM 2 would make of the thing's box."""

    tokens = PROMPT[0]

    def __init__(self, model: VideoChat) -> None:
        super().__init__()
        self.track_embed = model.track_embed

    def forward(self, state: Tensor) -> Tensor:
        return self.track_embed(state).unflatten(-1, PROMPT)


def export_mask_part(model: VideoChat, folder: Path) -> dict[str, float]:
    """Writes the part → how far each graph is from PyTorch."""
    differences = export_part(model.sam.float(), 'sam2.1-large', folder, TrackAdapter(model).float().requires_grad_(False), model.config.width, SOURCE)
    file = folder / 'mask.json'
    part = json.loads(file.read_text())
    part['family'] = 'sam2-large'    # the same graphs; 2.0 has no embedding of absence in its memory and no clock on its pointers
    part['head']['token'] = {'trigger': '<track_begin>', 'task': '<tracking>'}
    part['parts'] = [{'name': 'SAM 2.0 large and the mask adapter of VideoChat-TPO', 'source': SOURCE, 'licence': 'Apache-2.0 (SAM 2), MIT (model card)'}]
    file.write_text(json.dumps(part, indent=1) + '\n')
    return differences
