"""The seven tokens that TPO adds behind Mistral's vocabulary, in their published order."""
from dataclasses import dataclass

TOKENS = ('<box_begin>', '<time_begin>', '<temp>', '<boxes>', '<track_begin>', '<tracking>', '<track_box>')


@dataclass(frozen=True)
class TokenIds:
    """`first` is the id of `<box_begin>`: 32000 in the published model."""
    first: int

    def of(self, token: str) -> int:
        return self.first + TOKENS.index(token)

    def triggers(self) -> dict[int, str]:
        """A generated trigger → the task it starts."""
        return {self.of('<box_begin>'): 'region', self.of('<time_begin>'): 'moment', self.of('<track_begin>'): 'mask'}

    def placeholders(self) -> dict[str, int]:
        """The token that stands for a task's learned embedding in training text."""
        return {'region': self.of('<boxes>'), 'moment': self.of('<temp>'), 'mask': self.of('<tracking>')}

    def given_box(self) -> int:
        return self.of('<track_box>')
