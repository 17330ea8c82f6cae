"""Answers in words."""
from collections import Counter
from collections.abc import Sequence


def normalised(text: str) -> str:
    """Lower case, punctuation gone, single spaces.

    >>> normalised('A bird,  a car.')
    'a bird a car'
    """
    for mark in '.,!?':
        text = text.replace(mark, ' ')
    return ' '.join(text.lower().split())


def exact(answer: str, right: Sequence[str]) -> bool:
    return normalised(answer) in {normalised(text) for text in right}


def names(text: str) -> set[str]:
    """What a list names.

    >>> sorted(names('Dog, hot dog and cat.'))
    ['cat', 'dog', 'hot dog']
    """
    return {normalised(part) for part in text.replace(' and ', ',').split(',')} - {''}


def best_constant_text(asks: Sequence[Sequence[str]]) -> tuple[float, str]:
    """The answer that is right most often, with its share."""
    if not asks:
        return 0.0, ''
    answer, count = Counter(normalised(right[0]) for right in asks).most_common(1)[0]
    return count / len(asks), answer


def answer_and_grounding(answers: Sequence[bool], iops: Sequence[float]) -> float:
    """NExT-GQA's Acc@GQA: answer right and intersection over prediction at least .5."""
    return sum(right and iop >= 0.5 for right, iop in zip(answers, iops, strict=True)) / len(answers) if answers else 0.0


def intersection_over_prediction(span: Sequence[float], truth: Sequence[float]) -> float:
    """NExT-GQA's IoP."""
    length = span[1] - span[0]
    return max(0.0, min(span[1], truth[1]) - max(span[0], truth[0])) / length if length > 0 else 0.0
