"""A VideoChat of random weights and a few words, for tests and for trying the line out."""
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
import torch

from trainer.backbones.videochat.config import VIDEOCHAT_TINY
from trainer.backbones.videochat.model import VideoChat
from trainer.backbones.videochat.tokens import TOKENS

WORDS = ('<unk>', '<s>', '</s>', '[INST]', '[/INST]', '<Video>', '</Video>', 'the', 'a', 'red', 'blue', 'car', 'dog', 'ball', 'where', 'is', 'what', 'there', 'it', 'leaves')


def tiny_videochat(seed: int = 1, with_sam: bool = False) -> VideoChat:
    torch.manual_seed(seed)
    return VideoChat(VIDEOCHAT_TINY, with_sam).eval()


def tiny_tokenizer() -> Tokenizer:
    """60 words, then TPO's tokens, as Mistral's 32,000 and theirs."""
    words = [*WORDS, *(f'word{number}' for number in range(VIDEOCHAT_TINY.vocabulary - len(TOKENS) - len(WORDS)))]
    tokenizer = Tokenizer(models.WordPiece({word: place for place, word in enumerate(words)}, unk_token='<unk>', max_input_chars_per_word=100))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.decoder = decoders.WordPiece(prefix='##', cleanup=False)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in ('<unk>', '<s>', '</s>', *TOKENS)])
    return tokenizer
