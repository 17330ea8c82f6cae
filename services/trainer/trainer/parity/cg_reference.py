"""Runs the public training code of CG-DETR (github wjun0830/CGDETR) on a tiny random configuration and keeps the numbers.

    python -m trainer.parity.cg_reference CHECKOUT

It runs as it is but for `.cuda()`, which is taken out, and for one sum: what attention on words owes where the neighbour is of the same video is added to a
name that is no longer read, and is lost; here it is added to the one that was meant. Its margin draws pairs of clips; it is given every pair, as ours counts.
"""
import math
from pathlib import Path
import shutil
import sys
import tempfile
import types

from safetensors.torch import save_file
import torch
from torch import Tensor

from trainer.backbones.videochat.cg_detr import with_state
from trainer.backbones.videochat.cg_loss import ALIGN, DISTILL, GIOU, LABEL, ORTHOGONAL, SPAN, centred
from trainer.backbones.videochat.config import VIDEOCHAT_TINY as C
from trainer.parity.cg_case import CASES, FIXTURE, LABELS, SPANS, VIDEOS, Inputs, inputs
from trainer.parity.seeded import fill


LOST = 'loss_rank_contrastive += falseneg_loss_rank_contrastive'
MEANT = 'loss_rank_contrastive_attn += falseneg_loss_rank_contrastive'


def checkout_copy(checkout: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix='cg-'))
    shutil.copytree(checkout / 'cg_detr', folder / 'cg_detr')
    for file in folder.rglob('*.py'):
        file.write_text(file.read_text().replace('.cuda()', ''))
    model = folder / 'cg_detr' / 'model.py'
    first, second, third = model.read_text().split(LOST)
    model.write_text(f'{first}{LOST}{second}{MEANT}{third}')
    sys.path.insert(0, str(folder))


def options() -> types.SimpleNamespace:
    s = C.moment
    return types.SimpleNamespace(
        device='cpu', a_feat_dir=None, t_feat_dim=C.width, v_feat_dim=s.clip, num_queries=s.queries, input_dropout=0.0, aux_loss=True, contrastive_align_loss=False, contrastive_hdim=64,
        span_loss_type='l1', use_txt_pos=False, n_input_proj=2, hidden_dim=s.width, nheads=s.heads, enc_layers=s.encoder, dec_layers=s.decoder, t2v_layers=s.across, moment_layers=1, sent_layers=1,
        dummy_layers=s.dummy, dim_feedforward=s.mlp, dropout=0.0, pre_norm=False, num_dummies=s.dummies, total_prompts=s.prompts, num_prompts=s.chosen, position_embedding='sine', max_q_l=s.words,
        max_v_l=75, dset_name='charadesSTA', eos_coef=0.1, temperature=0.07, saliency_margin=0.2, lw_wattn=1.0, lw_saliency=4.0, lw_ms_align=ALIGN, lw_distill=DISTILL, span_loss_coef=SPAN,
        giou_loss_coef=GIOU, label_loss_coef=LABEL, set_cost_span=10, set_cost_giou=1, set_cost_class=4,
    )


@torch.no_grad()
def run() -> dict[str, Tensor]:
    import cg_detr.model as cg
    layer = cg.TransformerEncoderLayer
    cg.TransformerEncoderLayer = lambda width, _, *rest: layer(width, C.moment.heads, *rest)   # eight heads are written out
    model, criterion = cg.build_model(options())
    model.eval()
    fill(model)
    assert ORTHOGONAL == DISTILL, 'the public code weighs both alike'
    out: dict[str, Tensor] = {}
    for name in CASES:
        given: Inputs = inputs(name)
        words, word_mask = with_state(given.words, given.word_mask, given.states[:, None])
        targets = targets_of(name)
        told = model(words, word_mask, given.clips, given.clip_mask, VIDEOS[name], None, targets=targets)
        out |= {f'{name} {key}': told[of] for key, of in (('sentence', 'sentence_txt'), ('dummy sentence', 'sentence_dummy'), ('moment', 'memory_moment'), ('rest', 'nmmemory_moment'), ('attention', 'cate_attn_weights'))}
        losses = criterion(told, targets)
        for part, of in (('span', 'span'), ('giou', 'giou'), ('label', 'label')):
            out[f'{name} loss {part}'] = criterion.weight_dict[f'loss_{of}'] * sum(value for key, value in losses.items() if key.startswith(f'loss_{of}'))
        out |= {f'{name} loss {part}': criterion.weight_dict[f'loss_{of}'] * losses[f'loss_{of}'] for part, of in (('saliency', 'saliency'), ('align', 'ms_align'), ('distill', 'distill'), ('orthogonal', 'orthogonal_dummy'))}
    return {name: value.clone().contiguous() for name, value in out.items()}


def targets_of(name: str) -> dict[str, object]:
    labels = torch.tensor(LABELS[name])
    mask = inputs(name).clip_mask.bool()
    pairs = [[(high, low) for high in range(labels.shape[1]) for low in range(labels.shape[1]) if mask[row, high] and mask[row, low] and labels[row, high] > labels[row, low]] for row in range(len(labels))]
    most = math.lcm(*map(len, pairs))   # so that every pair of a row counts as often as every other
    of = lambda which: torch.tensor([[pair[which] for pair in row] * (most // len(row)) for row in pairs])
    return {'relevant_clips': labels, 'saliency_all_labels': labels, 'saliency_pos_labels': of(0), 'saliency_neg_labels': of(1), 'span_labels': [{'spans': centred(torch.tensor(spans))} for spans in SPANS[name]]}


if __name__ == '__main__':
    checkout_copy(Path(sys.argv[1]))
    numbers = run()
    save_file(numbers, FIXTURE)
    print(FIXTURE, FIXTURE.stat().st_size, {name: value.tolist() if value.ndim == 0 else tuple(value.shape) for name, value in numbers.items()})
