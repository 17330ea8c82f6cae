"""The tokenizer of nano, as a Hugging Face `tokenizer.json` that the Python and the JavaScript library read alike."""
from functools import cache

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

from trainer.vocabulary import SPECIAL, Vocabulary, joined, vocabulary


def build_tokenizer(words: Vocabulary) -> Tokenizer:
    """Words as tokens (a WordPiece with no pieces: the JavaScript library has no WordLevel); lower case; punctuation dropped; nouns of several words joined before the split.

    >>> build_tokenizer(vocabulary()).encode('Where is the cell phone?').tokens
    ['where', 'is', 'the', 'cell~phone']
    """
    tokenizer = Tokenizer(models.WordPiece({token: place for place, token in enumerate(words.tokens)}, unk_token='<unk>', continuing_subword_prefix='##', max_input_chars_per_word=100))
    several = sorted((form for form in words.forms if ' ' in form), key=lambda form: (-len(form), form))
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.Lowercase(),
        *(normalizers.Replace(mark, ' ') for mark in '?!.;:"()'),
        normalizers.Replace(',', ' , '),
        *(normalizers.Replace(form, joined(form)) for form in several),
    ])
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.decoder = decoders.Sequence([decoders.WordPiece(prefix='##', cleanup=False), decoders.Replace('~', ' ')])
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    return tokenizer


@cache
def nano_tokenizer() -> Tokenizer:
    return build_tokenizer(vocabulary())


TEMPLATE = '<visual><bos>{{ text }}<answer>'


def prompt_ids(text: str) -> list[int]:
    """The ids after the visual prefix: `<bos> … <answer>`."""
    return nano_tokenizer().encode(TEMPLATE.replace('{{ text }}', f' {text} ').removeprefix('<visual>')).ids


def answer_ids(answer: str) -> list[int]:
    return nano_tokenizer().encode(answer).ids
