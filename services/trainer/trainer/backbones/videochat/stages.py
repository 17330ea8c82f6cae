"""The paper's three stages on VideoChat (tables 17 and 18), by the parts that `part_of` tells apart."""
from trainer.backbones.staged import Stage
from trainer.backbones.task_weights import Weights

PARTS = {
    'vision': ('vision_encoder', 'vision_layernorm'),
    'connector': ('qformer', 'query_tokens', 'extra_query_tokens', 'project_up'),
    'region': ('loc_decoder', 'loc_encoder', 'box_token'),
    'mask': ('track_embed', 'track_embed_decode2', 'track_token'),
    'moment': ('cg_model', 'temporal_token'),
}
HEADS = ('region', 'mask', 'moment')

STAGES: dict[str, Stage[Weights]] = {stage.name: stage for stage in (
    Stage('assign', 0.1, {'lora': 2e-5}, Weights(region=0.0, mask=0.0, moment=0.0), heads=False),
    Stage('heads', 0.3, {'lora': 2e-5, **{head: 1e-4 for head in HEADS}}, Weights()),
    Stage('together', 0.6, {part: 2e-5 for part in ('lora', 'vision', 'connector', *HEADS)}, Weights()),
)}


def part_of(name: str) -> str:
    """SAM 2, the frozen Mistral and what nothing reads are 'base'."""
    if 'lora_' in name:
        return 'lora'
    return next((part for part, roots in PARTS.items() if name.split('.')[0] in roots), 'base')
