"""One thing through a few frames with the mask head's own memory, as in training: the prompted entry and the last two."""
import torch
from torch import Tensor

from trainer.backbones.nano_eyes import HeadMap
from trainer.heads.mask import Memory
from trainer.model import TpoModel
from trainer.objective import Pass


def propagate(model: TpoModel, done: Pass, prompt: Tensor, frames: list[int]) -> list[Tensor]:
    """prompt (1, 2, G·G), given on the first of the pooled frames → logits (4G, 4G) of each."""
    head, entries, masks = model.mask, [], []
    own = torch.zeros(1, dtype=torch.long)
    for step, frame in enumerate(frames):
        kept = [0, *range(max(1, step - 2), step)] if entries else []
        memory = Memory(torch.stack([entries[i] for i in kept], 1), torch.ones(1, len(kept)), torch.tensor([[float(step - i) for i in kept]])) if kept else head.no_memory(1)
        maps = HeadMap(*(part[frame:frame + 1] for part in done.head_map))
        found = head.decode(maps, done.maps.skip[frame:frame + 1], prompt, torch.tensor([float(step)]), memory, own)
        entries.append(head.memorise(maps, found.mask, found.object.sigmoid(), memory, own))
        masks.append(torch.where(found.object[0] > 0, found.mask[0], torch.full_like(found.mask[0], -1.0)))
    return masks
