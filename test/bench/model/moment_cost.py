"""What one question about time costs: the moment head on features that the backbone has made already, and CG-DETR with the video encoder it wants of its own.

    python moment_cost.py          # one line of JSON

CG-DETR's video encoder (InternVideo2-CLIP-1B) is not part of Fovea, so its cost is reckoned from its sizes: one block with random weights is timed and counted, times the number of
blocks. Its text encoder of 7B parameters is left out in its favour.
"""
import json
import time

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from trainer.backbones.videochat.cg_detr import CgDetr
from trainer.backbones.videochat.config import MomentSizes
from trainer.heads.shared.moment import SharedMomentHead

FRAMES, TOKENS, WIDTH, HEAD = 16, 196, 896, 256         # LLaVA-OneVision 0.5B
TEXT = 4096                                             # the language model of VideoChat
BLOCKS, BLOCK, MLP, HEADS = 40, 1408, 6144, 16          # InternVideo2-1B
CLIP_FRAMES, PATCHES = 8, 256                           # frames of a clip, patches of a frame at 224 pixels


def cost(work, times: int = 5) -> dict[str, float]:  # noqa: ANN001 — a function of nothing
    with torch.no_grad():
        with FlopCounterMode(display=False) as counter:
            work()
        start = time.process_time()
        for _ in range(times):
            work()
    return {'gflops': counter.get_total_flops() / 1e9, 'ms': (time.process_time() - start) * 1000 / times}


def main() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    head = SharedMomentHead(WIDTH, WIDTH, HEAD).eval()
    visual, times, state = torch.randn(1, FRAMES, TOKENS, WIDTH), torch.arange(-FRAMES + 1, 1.0)[None] * 250, torch.randn(1, WIDTH)
    shared = cost(lambda: head(visual, times, state))
    clips = FRAMES // CLIP_FRAMES
    detr = CgDetr(MomentSizes(), TEXT).eval()
    own = cost(lambda: detr(torch.randn(1, 12, TEXT), torch.ones(1, 12), torch.randn(1, clips, MomentSizes().clip), torch.ones(1, clips), torch.randn(1, 1, TEXT)))
    block = nn.TransformerEncoderLayer(BLOCK, HEADS, MLP, activation='gelu', batch_first=True, norm_first=True).train(False)
    tokens = torch.randn(1, CLIP_FRAMES * PATCHES + 1, BLOCK)
    # Without the fused path, whose work the counter does not see.
    torch.backends.mha.set_fastpath_enabled(False)
    one = cost(lambda: block(tokens), 1)
    encoder = {name: value * BLOCKS * clips for name, value in one.items()}
    print(json.dumps({'momentHead': shared, 'cgDetr': own, 'cgDetrEncoder': encoder, 'frames': FRAMES}))


if __name__ == '__main__':
    main()
