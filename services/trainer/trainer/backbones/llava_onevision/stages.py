"""TPO's three stages as rows (arXiv 2412.19326, tables 17 and 18): which parts learn, how fast, from what.

The published learning rates are for LoRA on pretrained 7B weights and heads that start from random ones; a tiny random model needs `times` of them.
"""
from trainer.backbones.task_weights import Weights
from trainer.backbones.staged import Stage

HEADS = ('heads.region', 'heads.mask', 'heads.moment')
WORDS = ('words.triggers', 'words.tasks', 'words.outputs')


STAGES: dict[str, Stage[Weights]] = {stage.name: stage for stage in (
    # which trigger belongs to which request: words and LoRA alone
    Stage('assign', 0.1, {'lora': 2e-5, 'words.triggers': 2e-5, 'words.outputs': 2e-5}, Weights(region=0.0, mask=0.0, moment=0.0), heads=False),
    # each head learns its task embedding, its token, and the language model to write it
    Stage('heads', 0.3, {'lora': 2e-5, 'words.triggers': 2e-5, 'words.outputs': 2e-5, 'words.tasks': 1e-4, **{head: 1e-4 for head in HEADS}}, Weights()),
    # everything together, the vision tower and the connector too; and what is in a box
    Stage('together', 0.6, {part: 2e-5 for part in ('lora', *WORDS, *HEADS, 'box', 'connector', 'vision')}, Weights(), boxes=True),
)}
