"""A decoder under LoRA as plain weights: what was learned is added in, and learned rows stand in the two tables of words."""
import numpy as np
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

from trainer.export.decoder_weights import DecoderWeights

Rows = tuple[list[int], Tensor]   # ids, (n, d)


class MergedWeights(DecoderWeights):
    """One tensor at a time: a second model would not fit beside the first. Rows beyond the end of a table make it longer, what lies between is zero."""

    def __init__(self, published: nn.Module, rows_in: Rows, rows_out: Rows) -> None:
        adapted = {f'{name}.weight': layer for name, layer in published.named_modules() if isinstance(layer, LoraLayer)}
        state = {name: tensor for name, tensor in published.state_dict().items() if 'lora_' not in name}
        plain = {name.replace('.base_layer', ''): tensor for name, tensor in state.items() if not name.endswith('.base_layer.weight')}

        def read(name: str) -> Tensor:
            if name in plain:
                return plain[name]
            layer = adapted[name]
            return layer.get_base_layer().weight + layer.get_delta_weight('default')

        super().__init__({*plain, *adapted}, read)
        self.rows = {'embed_tokens.weight': rows_in, 'head': rows_out}

    def __call__(self, name: str) -> np.ndarray:
        table = super().__call__(name)
        if name not in self.rows:
            return table
        ids, rows = self.rows[name]
        table = np.concatenate([table, np.zeros((max(0, max(ids) + 1 - len(table)), table.shape[1]), table.dtype)])
        table[ids] = rows.detach().float().numpy()
        return table
