"""Memory attention as a graph: what the frame looks like in the light of what is remembered of each object.

The same numbers as the official `MemoryAttention`, computed with less: the frame is the same for all objects until the first of them looks into its
memory, so the first self-attention runs once; and values stay as narrow as the memory is (64) until they have been weighed, since weighing and
projecting commute.
"""
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.sam.rotary import halves, table, turn

FAR = 1e9  # taken off the score of a place that holds nothing


class Attend(nn.Module):
    """features (1, C, G, G); memory (Q, M, m, c) with valid, age, prompted (Q, M); pointers (Q, P, C) with valid, age (Q, P) → attended (Q, C, G, G), prompt (Q, 2, C)."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.grid, self.width, self.narrow, self.entries = model.image_size // 16, model.hidden_dim, model.mem_dim, model.num_maskmem
        self.layers = nn.ModuleList(Layer(layer, self.narrow) for layer in model.memory_attention.layers)
        self.norm = model.memory_attention.norm
        self.rows = model.maskmem_tpos_enc                                                              # (7, 1, 1, c): the last is a prompted frame's
        self.register_buffer('where', 0.1 * position(model.image_encoder.neck.position_encoding, self.width, self.grid))  # (G·G, C)
        self.register_buffer('place', entry_position(model))                                           # (m, c)
        self.blank = model.sam_prompt_encoder.not_a_point_embed                                         # (1, C)
        self.timed = model.obj_ptr_tpos_proj if model.add_tpos_enc_to_obj_ptrs else None
        self.furthest = model.max_obj_ptrs_in_encoder - 1

    def forward(self, features: Tensor, memory: Tensor, valid: Tensor, age: Tensor, prompted: Tensor, pointers: Tensor, pointer_valid: Tensor, pointer_age: Tensor) -> tuple[Tensor, Tensor]:
        q, parts = memory.shape[0], self.width // self.narrow
        row = torch.where(prompted > 0.5, self.entries - 1, age.clamp(1, self.entries - 1) - 1)        # (Q, M)
        time = F.embedding(row.long(), self.rows[:, 0, 0])                                             # (Q, M, c)
        spots = memory + self.place + time[:, :, None]                                                 # (Q, M, m, c)
        split = pointers.reshape(q, -1, self.narrow)                                                   # (Q, P·4, c)
        told = split + self.since(pointer_age, parts)
        values = torch.cat([memory.flatten(1, 2), split], 1)                                           # (Q, N, c)
        open_to = torch.cat([valid[:, :, None].expand(-1, -1, memory.shape[2]).flatten(1), pointer_valid[:, :, None].expand(-1, -1, parts).flatten(1)], 1)
        bias = ((open_to - 1) * FAR)[:, None]                                                          # (Q, 1, N)
        x = features.flatten(2).transpose(1, 2) + self.where                                           # (1, G·G, C)
        for layer in self.layers:
            x = layer(x, spots, told, values, bias)
        attended = self.norm(x).transpose(1, 2).unflatten(2, (self.grid, self.grid))
        return attended, self.blank.weight[None].expand(q, 2, -1)

    def since(self, age: Tensor, parts: int) -> Tensor:
        """Where pointers stand in time (Q, P·4, c); nothing in models that do not say."""
        if self.timed is None:
            return torch.zeros(1, 1, self.narrow)
        half = self.width // 2 if isinstance(self.timed, nn.Linear) else self.narrow // 2
        scale = 10000 ** (2 * (torch.arange(half) // 2) / half)
        angle = (age / self.furthest)[..., None] / scale                                               # (Q, P, half)
        return self.timed(torch.cat([angle.sin(), angle.cos()], -1)).repeat_interleave(parts, 1)


class Layer(nn.Module):
    def __init__(self, layer: nn.Module, narrow: int) -> None:
        super().__init__()
        own, cross = layer.self_attn, layer.cross_attn_image
        scale = own.internal_dim ** -0.5
        self.norm1, self.norm2, self.norm3, self.linear1, self.linear2 = layer.norm1, layer.norm2, layer.norm3, layer.linear1, layer.linear2
        self.own_query, self.own_key, self.own_value, self.own_out = linear(*halves(own.q_proj), scale), linear(*halves(own.k_proj)), own.v_proj, own.out_proj
        self.query, self.key = linear(*halves(cross.q_proj), scale), linear(*halves(cross.k_proj))
        out, value = cross.out_proj, cross.v_proj
        self.read = linear((out.weight.double() @ value.weight.double()).float(), (out.weight.double() @ value.bias.double() + out.bias.double()).float())
        for name, (cos, sin) in {'own': table(own.freqs_cis), 'query': query_table(cross), 'key': key_table(cross)}.items():
            self.register_buffer(f'{name}_cos', cos)
            self.register_buffer(f'{name}_sin', sin)

    def forward(self, x: Tensor, spots: Tensor, told: Tensor, values: Tensor, bias: Tensor) -> Tensor:
        """x (1 or Q, G·G, C); spots (Q, M, m, c), told (Q, P·4, c): keys, turned and not; values (Q, N, c)."""
        y = self.norm1(x)
        weights = turn(self.own_query(y), self.own_cos, self.own_sin) @ turn(self.own_key(y), self.own_cos, self.own_sin).transpose(1, 2)
        x = x + self.own_out(weights.softmax(-1) @ self.own_value(y))
        keys = torch.cat([turn(self.key(spots), self.key_cos, self.key_sin).flatten(1, 2), self.key(told)], 1)   # (Q, N, C)
        weights = turn(self.query(self.norm2(x)), self.query_cos, self.query_sin) @ keys.transpose(1, 2) + bias
        x = x + self.read(weights.softmax(-1) @ values)
        return x + self.linear2(F.relu(self.linear1(self.norm3(x))))


def linear(weight: Tensor, bias: Tensor, scale: float = 1.0) -> nn.Linear:
    made = nn.Linear(weight.shape[1], weight.shape[0])
    made.weight, made.bias = nn.Parameter(weight * scale, requires_grad=False), nn.Parameter(bias * scale, requires_grad=False)
    return made


def query_table(cross: nn.Module) -> tuple[Tensor, Tensor]:
    return table(cross.freqs_cis_q if hasattr(cross, 'freqs_cis_q') else cross.freqs_cis)


def key_table(cross: nn.Module) -> tuple[Tensor, Tensor]:
    """Of one entry. EdgeTAM turns only the half of an entry that is a picture: the last places."""
    if not hasattr(cross, 'freqs_cis_k'):
        return table(cross.freqs_cis)
    return table(cross.freqs_cis_k, still=cross.freqs_cis_k.shape[0])


def position(encoding: nn.Module, width: int, side: int) -> Tensor:
    """(side·side, width)"""
    return encoding(torch.zeros(1, width, side, side))[0].flatten(1).T.contiguous()


def entry_position(model: nn.Module) -> Tensor:
    """Where the tokens of a memory entry lie (m, c)."""
    perceiver, encoding = model.spatial_perceiver, model.memory_encoder.position_encoding
    if perceiver is None:
        return position(encoding, model.mem_dim, model.image_size // 16)
    flat = torch.zeros(perceiver.num_latents, model.mem_dim)
    return torch.cat([flat, position(perceiver.position_encoding, model.mem_dim, round(perceiver.num_latents_2d ** 0.5))])
