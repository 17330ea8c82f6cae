"""The closed vocabulary of nano: special tokens, the words questions and answers are made of, and every form of every noun.

A noun of several words is one token, its words joined by `~` (`cell phone` → `cell~phone`): evidence is looked up a noun, not a word.
"""
from dataclasses import dataclass
from functools import cache
import json
from pathlib import Path

SPECIAL = ('<pad>', '<unk>', '<visual>', '<bos>', '<answer>', '<eos>', '<p>', '<region>', '<region_task>', '<mask>', '<mask_task>',
           '<moment>', '<moment_task>', '<box>')
COLOURS = ('red', 'orange', 'yellow', 'green', 'blue', 'purple', 'pink', 'brown', 'black', 'white', 'grey')
NUMBERS = ('zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten')
WORDS_FILE = Path(__file__).with_name('words.json')  # written by `vocabulary_scan`, so that a vocabulary never depends on a random draw


@dataclass(frozen=True)
class NounForm:
    noun: str
    plural: bool


@dataclass(frozen=True)
class Vocabulary:
    tokens: tuple[str, ...]
    nouns: tuple[str, ...]             # canonical names, alphabetical
    forms: dict[str, NounForm]         # 'cell phones' → NounForm('cell phone', plural=True)

    def id(self, token: str) -> int:
        return self.index().get(token, 1)

    @cache
    def index(self) -> dict[str, int]:
        return {token: position for position, token in enumerate(self.tokens)}

    @cache
    def forms_of(self, noun: str) -> dict[str, bool]:
        """Every way to write a noun → whether it is a plural."""
        return {form: entry.plural for form, entry in self.forms.items() if entry.noun == noun}

    @cache
    def place_of(self, noun: str) -> int:
        """Its index in `nouns`, by any of its forms; −1 for an unknown one."""
        return self.nouns.index(self.forms[noun].noun) if noun in self.forms else -1

    def __hash__(self) -> int:
        return hash(self.tokens)

    def noun_of_token(self) -> list[int]:
        """For each token the index of its noun, or −1."""
        place = {noun: position for position, noun in enumerate(self.nouns)}
        by_token = {joined(form): place[entry.noun] for form, entry in self.forms.items()}
        return [by_token.get(token, -1) for token in self.tokens]


def joined(form: str) -> str:
    return form.replace(' ', '~')


def noun_forms() -> dict[str, NounForm]:
    """Every way to write every noun; where two nouns share a form, the first in the tables keeps it."""
    from trainer.data.coco_nouns import COCO_NOUNS
    from trainer.data.imagenet_nouns import IMAGENET_NOUNS
    from trainer.data.nouns import NOUNS

    forms: dict[str, NounForm] = {}
    tables = (NOUNS, COCO_NOUNS, tuple(entry.noun for entry in IMAGENET_NOUNS))
    for table in tables:
        for noun in table:
            owner = forms[noun.name].noun if noun.name in forms else noun.name
            forms.setdefault(noun.name, NounForm(owner, False))
            forms.setdefault(noun.plural, NounForm(owner, True))
    for table in tables:
        for noun in table:
            owner = forms[noun.name].noun
            for singular, plural in noun.synonyms:
                forms.setdefault(singular, NounForm(owner, False))
                forms.setdefault(plural, NounForm(owner, True))
    return forms


@cache
def vocabulary() -> Vocabulary:
    forms = noun_forms()
    words = json.loads(WORDS_FILE.read_text())
    plain = [word for word in dict.fromkeys((*COLOURS, *NUMBERS, *words)) if word not in forms]
    tokens = (*SPECIAL, *plain, *dict.fromkeys(joined(form) for form in forms))
    nouns = tuple(sorted({form.noun for form in forms.values()}))
    return Vocabulary(tokens, nouns, forms)
