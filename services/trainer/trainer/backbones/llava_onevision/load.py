"""A Hugging Face folder of LLaVA-OneVision (0.5B, 7B, …) or a tiny random one, ready for TPO."""
from pathlib import Path
import warnings

from tokenizers import AddedToken, Tokenizer
import torch
from transformers import LlavaOnevisionForConditionalGeneration

from trainer.backbones.llava_onevision.model import LlavaOnevision
from trainer.backbones.llava_onevision.settings import LLAVA, TINY, tiny_config
from trainer.backbones.model_folder import FolderError, names_in, parsed, tokenizer_in
from trainer.backbones.pretrained.settings import Settings
from trainer.backbones.pretrained.words import Language
from trainer.tokenizer import build_tokenizer
from trainer.vocabulary import vocabulary

NEEDED = ('config.json', 'tokenizer.json')


def load_llava(folder: Path, settings: Settings = LLAVA, dtype: torch.dtype = torch.float32) -> LlavaOnevision:
    """`from_pretrained` of a local folder; nothing is downloaded. A weight that is missing is an error, not a random number."""
    for name in NEEDED:
        if not (folder / name).exists():
            raise FolderError(f'{folder} has no {name}; a folder as `huggingface-cli download llava-hf/llava-onevision-qwen2-0.5b-ov-hf` leaves it is expected.')
    parsed(folder / 'config.json')
    names_in(folder)   # from_pretrained would end in a trace where a shard is missing or cut
    tokenizer = tokenizer_in(folder)
    published, found = LlavaOnevisionForConditionalGeneration.from_pretrained(folder, dtype=dtype, local_files_only=True, output_loading_info=True)
    if extra := sorted(map(str, found['unexpected_keys'])):
        warnings.warn(f'{folder}: {len(extra)} stored tensors have no place in the model and are left out: {", ".join(extra[:8])}', stacklevel=2)
    for kind in ('missing_keys', 'mismatched_keys'):
        if wrong := sorted(map(str, found[kind])):
            raise FolderError(f'{folder}: {kind.replace("_", " ")}: {", ".join(wrong[:8])}{" …" if len(wrong) > 8 else ""}')
    return LlavaOnevision(published, Language(tokenizer, settings), settings)


def tiny_llava(seed: int = 1) -> LlavaOnevision:
    torch.manual_seed(seed)
    tokenizer = tiny_tokenizer()
    published = LlavaOnevisionForConditionalGeneration(tiny_config(tokenizer.get_vocab_size(), tokenizer.token_to_id('<video>'), tokenizer.token_to_id('<image>')))
    return LlavaOnevision(published, Language(tokenizer, TINY), TINY)


def tiny_tokenizer() -> Tokenizer:
    """SpriteWorld's words, and the two placeholders that LLaVA-OneVision's processor knows."""
    tokenizer = build_tokenizer(vocabulary())
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in ('<image>', '<video>')])
    return tokenizer
