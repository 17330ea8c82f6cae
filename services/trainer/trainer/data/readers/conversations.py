"""Conversations: VideoChat2-IT ([{"video" or "image", "QA": [{"i", "q", "a"}]}]) and LLaVA's ([{"id", "image" or "video", "conversations": [{"from", "value"}]}])."""
from collections.abc import Iterator
from pathlib import Path

from .json_file import field, read_json
from .sample import DataError, Media, Sample

PLACEHOLDERS = ('<image>', '<video>', '<Image>', '<Video>')


def read_conversations(path: Path, root: Path) -> Iterator[Sample]:
    """Every entry as one text sample with all its turns. Entries with neither picture nor video are words alone."""
    for number, entry in enumerate(read_json(path)):
        turns = from_videochat(entry, path, number) if 'QA' in entry else from_llava(entry, path, number)
        if not turns:
            raise DataError(path, number, 'has no turn.')
        yield Sample('conversations', str(entry.get('id', number)), media_of(entry, root), 'text', turns[0][0], answers=(turns[0][1],), turns=turns)


def media_of(entry: dict, root: Path) -> Media:
    part = (1000.0 * entry['start'], 1000.0 * entry['end']) if 'start' in entry and 'end' in entry else None
    if 'video' in entry:
        return Media(video=root / entry['video'], part=part)
    return Media(pictures=(root / entry['image'],)) if 'image' in entry else Media()


def from_videochat(entry: dict, path: Path, number: int) -> tuple[tuple[str, str], ...]:
    turns = []
    for turn in entry['QA']:
        instruction = turn.get('i', '') if not turns else ''
        turns.append((f'{instruction} {field(turn, "q", path, number)}'.strip(), str(field(turn, 'a', path, number))))
    return tuple(turns)


def from_llava(entry: dict, path: Path, number: int) -> tuple[tuple[str, str], ...]:
    said = field(entry, 'conversations', path, number)
    speakers = [field(turn, 'from', path, number) for turn in said]
    if speakers != ['human', 'gpt'] * (len(said) // 2):
        raise DataError(path, number, f'has the speakers {speakers}; expected human and gpt in turns.')
    words = [field(turn, 'value', path, number) for turn in said]
    return tuple((bare(q), a) for q, a in zip(words[::2], words[1::2]))


def bare(text: str) -> str:
    for placeholder in PLACEHOLDERS:
        text = text.replace(placeholder, '')
    return text.strip()
