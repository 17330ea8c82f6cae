"""SmolLM2 and EfficientNet-Lite0, with everything new beside them at its beginning."""
import torch
from tokenizers import AddedToken, Tokenizer
from transformers import LlamaForCausalLM

from trainer.backbones.lite0 import Lite0
from trainer.backbones.pretrained.words import Language
from trainer.backbones.small.model import Small
from trainer.backbones.small.settings import SmallSettings
from trainer.backbones.small.smollm2 import smollm2_folder


def new_small(settings: SmallSettings, dtype: torch.dtype = torch.float32, seed: int = 1) -> Small:
    """dtype: of the frozen language model; what is trained is fp32."""
    torch.manual_seed(seed)
    folder = smollm2_folder()
    published = LlamaForCausalLM.from_pretrained(folder, dtype=dtype, local_files_only=True, **({} if settings.layers is None else {'num_hidden_layers': settings.layers}))
    tokenizer = Tokenizer.from_file(str(folder / 'tokenizer.json'))
    tokenizer.add_special_tokens([AddedToken(settings.visual, special=True, normalized=False)])
    return Small(published, Lite0.pretrained(), Language(tokenizer, settings), settings)
