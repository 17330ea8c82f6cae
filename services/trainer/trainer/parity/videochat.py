"""VideoChat against the numbers of its public inference code, on the same tiny random weights in fp32."""
from safetensors.torch import load_file
import torch

from trainer.backbones.videochat.config import VIDEOCHAT_TINY
from trainer.backbones.videochat.model import VideoChat
from trainer.backbones.videochat.sam import box_prompt
from trainer.backbones.videochat.speak import answer
from trainer.parity.cg_training import cg_rows
from trainer.parity.row import Row, compared, same
from trainer.parity.seeded import fill
from trainer.parity.videochat_case import FIXTURE, PROMPTS, case

ALLOWED = 1e-4
HEADS = ('region', 'moment', 'mask')


@torch.no_grad()
def videochat_rows() -> list[Row]:
    theirs = load_file(FIXTURE)
    model = VideoChat(VIDEOCHAT_TINY).eval()
    fill(model)
    given = case()
    vision = model.see(given.video)
    embeds = model.embed(given.ids, given.video, given.where, given.boxes)
    states = model.hidden(embeds)[1][0, given.places]                     # region, moment, mask
    moment = model.cg_model(given.words, given.word_mask, given.clips, given.clip_mask, states[1].expand(2, 1, -1))
    ours = {
        'vision tokens': vision,
        'Q-Former output': model.connect(vision),
        'embeddings of a prompt': embeds,
        'hidden state at task tokens': states,
        'box': model.box(states),
        'mask prompt embedding': model.mask_prompt(states[2:]),
        'box of the first frame': model.first_box(states),
        'moment logits': moment.logits[-1],
        'moment spans': moment.spans[-1],
        'moment saliency': moment.saliency,
        'box prompt of SAM 2': box_prompt(model.sam, given.boxes[0].tolist()),
    }
    return [compared(what, value, theirs[what], ALLOWED) for what, value in ours.items()] + answers(model, theirs) + list(cg_rows())


def answers(model: VideoChat, theirs: dict[str, torch.Tensor]) -> list[Row]:
    """Greedy answers with `compat`: the tokens, the task of the last trigger, its state."""
    rows = []
    for weights, seed in PROMPTS:
        fill(model, seed=weights)
        given, name = case(seed), f'answer {weights}.{seed}'
        said = answer(model, model.embed(given.ids, given.video, given.where), compat=True)
        rows.append(same(f'{name}: tokens', said.tokens, theirs[f'{name} tokens'].tolist()))
        if f'{name} head' in theirs:
            assert said.pointed, f'{name}: nothing was pointed at, the public code did'
            last = said.pointed[-1]
            rows.append(same(f'{name}: task', [HEADS.index(last.task)], [int(theirs[f'{name} head'])]))
            rows.append(compared(f'{name}: state of the last trigger', last.state, theirs[f'{name} state'], ALLOWED))
    return rows
