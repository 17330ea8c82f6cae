"""The stages of `small` as rows: TPO's three, `align` before them, for the connector has never met the language model, and `find` among them, for heads learn
much faster while the language model rests. What a row does not name is frozen.

SmolLM2 is fifty times smaller than the paper's models and everything around it new: rates are higher than the paper's.
"""
from trainer.backbones.task_weights import Weights
from trainer.backbones.small.align import AlignWeights
from trainer.backbones.small.find import FindWeights
from trainer.backbones.staged import Stage

heads = lambda rate: {'heads.region': rate, 'heads.mask': rate, 'heads.moment': rate}
words = lambda rate: {'lora': rate, 'words.triggers': 1e-3, 'words.outputs': 1e-3}

ALIGN: Stage[AlignWeights] = Stage('align', 0.4, {'connector': 1e-3, 'neck': 1e-3, 'naming': 1e-3}, AlignWeights(), heads=False)
FIND: Stage[FindWeights] = Stage('find', 0.3, {'heads.region': 1e-3, 'heads.mask': 1e-3, 'neck': 5e-4}, FindWeights())
STAGES: dict[str, Stage[Weights]] = {stage.name: stage for stage in (
    # answers, and which trigger belongs to which request
    Stage('assign', 0.15, {**words(6e-4), 'connector': 3e-4}, Weights(region=0.0, mask=0.0, moment=0.0), heads=False),
    # each head learns its task embedding, its token, and the language model to write it
    Stage('heads', 0.2, {**words(3e-4), 'words.tasks': 1e-3, **heads(6e-4), 'neck': 3e-4, 'naming': 3e-4}, Weights()),
    # everything together, the connector too; and what is in a box
    Stage('together', 0.25, {**words(3e-4), 'words.tasks': 5e-4, **heads(4e-4), 'box': 1e-3, 'connector': 1e-4, 'neck': 2e-4, 'naming': 2e-4}, Weights(), boxes=True),
)}
NAMES = (ALIGN.name, 'assign', FIND.name, 'heads', 'together')
