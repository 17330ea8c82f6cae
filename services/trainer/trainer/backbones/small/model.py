"""`small`: EfficientNet-Lite0, frozen, a connector, SmolLM2-135M under LoRA, and the heads that every tuned language model has."""
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import LlamaForCausalLM

from trainer.backbones.lite0 import Lite0
from trainer.backbones.pretrained.model import Pretrained, Sight, lora_or_words
from trainer.backbones.pretrained.words import Language
from trainer.backbones.small.connector import Connector, Neck
from trainer.backbones.small.naming import Naming
from trainer.backbones.small.packed_taps import pack, unpack
from trainer.backbones.small.settings import CELLS, FINE, PICTURE, SmallSettings
from trainer.vocabulary import vocabulary

POOLED = 2   # the side of an earlier frame, in tokens


class Small(Pretrained):
    adapted = r'.*\.layers\.\d+\.(self_attn|mlp)\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)'
    map_role = 'features.s8'

    def __init__(self, published: LlamaForCausalLM, eyes: Lite0, language: Language, settings: SmallSettings) -> None:
        super().__init__(published, language, settings, settings.map_width, FINE)
        table = self.published.get_input_embeddings().weight.detach()
        self.eyes, self.connector, self.neck = eyes, Connector(table, settings.inside), Neck(settings.map_width)
        self.naming = Naming(language.encode, table, settings.map_width)
        self.age = nn.Parameter(torch.zeros(settings.frames, self.width))
        self.end = nn.Parameter(torch.randn(1, self.width) * float(self.connector.spread))
        self.register_buffer('pool', pooling(), persistent=False)

    @property
    def picture(self) -> int:
        return PICTURE

    @property
    def decoder(self) -> nn.Module:
        return self.published.model

    def part_of(self, name: str) -> str:
        return part_of(name)

    def encode(self, frames: Tensor) -> Sight:
        """Or, in place of the frames, what the frozen encoder has found in them: (B, T, COUNT)."""
        b, t = frames.shape[:2]
        flat = frames.flatten(0, 1)
        s8, s16, s32 = unpack(pack(self.eyes(flat)) if flat.dtype == torch.uint8 else flat)
        return Sight(self.tokens(s16, s32).unflatten(0, (b, t)), self.maps(s8, s16, s32).unflatten(0, (b, t)))

    def tokens(self, s16: Tensor, s32: Tensor) -> Tensor:
        """→ (P, 25, d)."""
        with self.in_half():
            return self.connector(s16, s32).float()

    def maps(self, s8: Tensor, s16: Tensor, s32: Tensor) -> Tensor:
        """→ (P, W, 20, 20)."""
        with self.in_half():
            return self.neck(s8, s16, s32).float()

    def prefix(self, visual: Tensor) -> Tensor:
        """Four tokens of every earlier frame, all of the last, and an end: (B, 4·(T − 1) + 25 + 1, d)."""
        visual = visual + self.connector.spread * self.age[:, None]
        earlier, last = self.pool @ visual[:, :-1], visual[:, -1]                          # (B, T − 1, 4, d), (B, 25, d)
        return torch.cat([earlier.flatten(1, 2), last, self.end.expand(len(visual), -1, -1)], 1).to(self.dtype)

    def name_losses(self, states: Tensor, nouns: list[str]) -> dict[str, Tensor]:
        """A task state says what is to be found."""
        wanted = torch.tensor([vocabulary().place_of(noun) for noun in nouns], device=states.device)
        return {'state.noun': F.cross_entropy(self.naming.states(states), wanted, ignore_index=-1)} if (wanted >= 0).any() else {}

    def describe(self) -> str:
        return f'{PICTURE} px, {CELLS * CELLS} visual tokens a frame, {self.sizes.num_hidden_layers} layers of {self.width}, vocabulary {self.sizes.vocab_size}'


def pooling() -> Tensor:
    """(4, 25): each quarter's mean; the middle row and column belong to both sides by half."""
    half = torch.tensor([[1.0, 1.0, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 1.0, 1.0]]) / 2.5
    return torch.kron(half, half)


def part_of(name: str) -> str:
    if part := lora_or_words(name):
        return part
    root = name.split('.')[0]
    if root in ('age', 'end'):
        return 'connector'
    return root if root in ('connector', 'neck', 'naming') else 'base'
