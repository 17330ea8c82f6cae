"""The stages of `small` as rows: one before TPO's three, for its connector has never met its language model. What a row does not name is frozen.

SmolLM2 is fifty times smaller than the paper's models and everything around it new: rates are higher than the paper's.
"""
from trainer.backbones.pretrained.objective import Weights
from trainer.backbones.small.align import AlignWeights
from trainer.backbones.staged import Stage

HEADS = {f'heads.{task}': 1e-3 for task in ('region', 'mask', 'moment')}
SPOKEN = {'lora': 6e-4, 'words.triggers': 1e-3, 'words.outputs': 1e-3}

ALIGN: Stage[AlignWeights] = Stage('align', 0.4, {'connector': 1e-3, 'neck': 1e-3, 'naming': 1e-3}, AlignWeights(), heads=False)
STAGES: dict[str, Stage[Weights]] = {stage.name: stage for stage in (
    # answers, and which trigger belongs to which request
    Stage('assign', 0.15, {**SPOKEN, 'connector': 3e-4}, Weights(region=0.0, mask=0.0, moment=0.0), heads=False),
    # each head learns its task embedding, its token, and the language model to write it
    Stage('heads', 0.2, {**SPOKEN, 'words.tasks': 1e-3, **HEADS, 'neck': 5e-4, 'naming': 5e-4}, Weights()),
    # everything together, the connector too
    Stage('together', 0.25, {**SPOKEN, 'words.tasks': 1e-3, **HEADS, 'connector': 3e-4, 'neck': 5e-4, 'naming': 5e-4}, Weights()),
)}
NAMES = (ALIGN.name, *STAGES)
