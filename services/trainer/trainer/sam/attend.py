"""Memory attention as a graph: what the frame looks like in the light of what is remembered of each object.

The same numbers as the official `MemoryAttention`, computed with less: the frame is the same for all objects until the first of them looks into its
memory, so the first self-attention runs once; values stay as narrow as the memory is (64) until they have been weighed, since weighing and projecting
commute; and so do keys that are not turned by their place. What is closed to a query is told by one more channel of its keys, not by a pass over scores.
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
        self.still = key_still(model.memory_attention.layers[0].cross_attn_image)
        self.furthest = model.max_obj_ptrs_in_encoder - 1

    def forward(self, features: Tensor, memory: Tensor, valid: Tensor, age: Tensor, prompted: Tensor, pointers: Tensor, pointer_valid: Tensor, pointer_age: Tensor) -> tuple[Tensor, Tensor]:
        q, parts, still = memory.shape[0], self.width // self.narrow, self.still
        row = torch.where(prompted > 0.5, self.entries - 1, age.clamp(1, self.entries - 1) - 1)        # (Q, M)
        time = F.embedding(row.long(), self.rows[:, 0, 0])                                             # (Q, M, c)
        spots = memory + self.place + time[:, :, None]                                                 # (Q, M, m, c)
        split = pointers.reshape(q, -1, self.narrow)                                                   # (Q, P·4, c)
        shut = ((valid - 1) * FAR)[:, :, None].expand(-1, -1, memory.shape[2])                         # (Q, M, m)
        shut_pointers = ((pointer_valid - 1) * FAR)[:, :, None].expand(-1, -1, parts)                  # (Q, P, 4)
        turned = spots[:, :, still:], shut[:, :, still:, None]
        unturned = torch.cat([spots[:, :, :still].flatten(1, 2), split + self.since(pointer_age, parts)], 1)      # (Q, U, c)
        unturned_shut = torch.cat([shut[:, :, :still].flatten(1), shut_pointers.flatten(1)], 1)[..., None]        # (Q, U, 1)
        unturned = torch.cat([unturned, torch.ones_like(unturned_shut), unturned_shut], -1)                        # (Q, U, c+2)
        values = torch.cat([memory[:, :, still:].flatten(1, 2), memory[:, :, :still].flatten(1, 2), split], 1)     # (Q, N, c)
        x = features.flatten(2).transpose(1, 2) + self.where                                           # (1, G·G, C)
        for layer in self.layers:
            x = layer(x, turned, unturned, values)
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
        # A query seen from the memory's side: what it makes of a key that is not turned, and of the key's bias.
        self.seen = linear(torch.cat([self.key.weight.T, self.key.bias[None]]), torch.zeros(narrow + 1))
        out, value = cross.out_proj, cross.v_proj
        self.read = linear((out.weight.double() @ value.weight.double()).float(), (out.weight.double() @ value.bias.double() + out.bias.double()).float())
        for name, (cos, sin) in {'own': table(own.freqs_cis), 'query': query_table(cross), 'key': key_table(cross)}.items():
            self.register_buffer(f'{name}_cos', cos)
            self.register_buffer(f'{name}_sin', sin)

    def forward(self, x: Tensor, turned: tuple[Tensor, Tensor], unturned: Tensor, values: Tensor) -> Tensor:
        """x (1 or Q, G·G, C); turned: keys (Q, M, m', c) and what shuts them; unturned (Q, U, c+2); values (Q, N, c)."""
        y = self.norm1(x)
        weights = turn(flat(self.own_query, y), self.own_cos, self.own_sin) @ turn(flat(self.own_key, y), self.own_cos, self.own_sin).transpose(1, 2)
        x = x + flat(self.own_out, weights.softmax(-1) @ flat(self.own_value, y))
        query = turn(flat(self.query, self.norm2(x)), self.query_cos, self.query_sin)                        # (1 or Q, G·G, C)
        one = torch.ones_like(query[..., :1])
        keys = torch.cat([turn(self.key(turned[0]), self.key_cos, self.key_sin), turned[1]], -1).flatten(1, 2)   # (Q, M·m', C+1)
        scores = torch.cat([torch.cat([query, one], -1) @ keys.transpose(1, 2), torch.cat([flat(self.seen, query), one], -1) @ unturned.transpose(1, 2)], -1)
        x = x + flat(self.read, scores.softmax(-1) @ values)
        return x + flat(self.linear2, F.relu(flat(self.linear1, self.norm3(x))))


def flat(layer: nn.Linear, x: Tensor) -> Tensor:
    """A linear layer over rows of a matrix: graphs add the bias on the way."""
    return F.linear(x.flatten(0, 1), layer.weight, layer.bias).unflatten(0, x.shape[:2])


def linear(weight: Tensor, bias: Tensor, scale: float = 1.0) -> nn.Linear:
    made = nn.Linear(weight.shape[1], weight.shape[0])
    made.weight, made.bias = nn.Parameter(weight * scale, requires_grad=False), nn.Parameter(bias * scale, requires_grad=False)
    return made


def query_table(cross: nn.Module) -> tuple[Tensor, Tensor]:
    return table(cross.freqs_cis_q if hasattr(cross, 'freqs_cis_q') else cross.freqs_cis)


def key_still(cross: nn.Module) -> int:
    """Places of an entry that are not turned. EdgeTAM turns only the half of it that is a picture: the last places."""
    return cross.freqs_cis_k.shape[0] if hasattr(cross, 'freqs_cis_k') else 0


def key_table(cross: nn.Module) -> tuple[Tensor, Tensor]:
    return table(cross.freqs_cis_k if hasattr(cross, 'freqs_cis_k') else cross.freqs_cis)


def position(encoding: nn.Module, width: int, side: int) -> Tensor:
    """(side·side, width)"""
    return encoding(torch.zeros(1, width, side, side))[0].flatten(1).T.contiguous()


def entry_position(model: nn.Module) -> Tensor:
    """Where the tokens of a memory entry lie (m, c)."""
    perceiver, encoding = getattr(model, 'spatial_perceiver', None), model.memory_encoder.position_encoding
    if perceiver is None:
        return position(encoding, model.mem_dim, model.image_size // 16)
    flat = torch.zeros(perceiver.num_latents, model.mem_dim)
    return torch.cat([flat, position(perceiver.position_encoding, model.mem_dim, round(perceiver.num_latents_2d ** 0.5))])
