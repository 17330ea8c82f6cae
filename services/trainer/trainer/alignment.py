"""Which noun, which colour and which centre is in every cell: what the neck is to say of pictures."""
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trainer.data.photos import UNSURE as UNSURE_NOUNS
from trainer.lesson import Lesson
from trainer.rows import flipped
from trainer.vocabulary import COLOURS, vocabulary

NOTHING, UNSURE = -1, -2


@dataclass
class Alignment:
    coarse: Tensor    # (B, T, N) noun of each cell of each frame seen, or NOTHING, or UNSURE
    fine: Tensor      # (P, G, G) noun of each cell of each pooled frame
    colour: Tensor    # (P, G, G) colour of the cell, UNSURE where no thing of one colour
    centres: Tensor   # (n, 4) boxes of things in pooled frames
    centre_of: Tensor  # (n) the pooled frame of each
    present: Tensor   # (B, nouns) 1 where visible in the last frame
    sure: Tensor      # (B, nouns) 0 where it should not be judged


class AlignmentBuilder:
    """Which noun, which colour and which centre is in every cell."""

    def __init__(self) -> None:
        self.coarse: list[np.ndarray] = []
        self.fine: list[np.ndarray] = []
        self.colour: list[np.ndarray] = []
        self.centres: list[np.ndarray] = []
        self.centre_of: list[int] = []
        self.present: list[np.ndarray] = []
        self.sure: list[np.ndarray] = []
        side = (np.arange(5) + 0.5) / 5
        self.x, self.y = np.tile(side, 5), np.repeat(side, 5)

    def add(self, lesson: Lesson, slots: list[int], base: int) -> None:
        clip = lesson.clip
        nouns = [vocabulary().place_of(thing.noun) for thing in clip.things]
        if lesson.renaming is not None:
            nouns[lesson.renaming.thing] = UNSURE
        coarse = np.stack([self.coarse_cells(lesson, nouns, frame) for frame in range(len(clip.times))])
        self.coarse.append(coarse[lesson.seen])
        for i, slot in enumerate(slots):
            frame = int(clip.kept[slot])
            fine, colour = np.full((20, 20), NOTHING), np.full((20, 20), UNSURE)
            best = np.full((20, 20), 0.35, np.float32)
            for thing, noun in zip(clip.things, nouns):
                if not thing.visible[frame]:
                    continue
                share = thing.masks[slot].astype(np.float32).reshape(20, 2, 20, 2).mean((1, 3)) / 255
                fine[(share > 0.05) & (fine == NOTHING)] = UNSURE
                mine = share > best
                best[mine] = share[mine]
                fine[mine] = noun
                colour[mine] = COLOURS.index(thing.colour) if thing.colour in COLOURS else UNSURE
                box = thing.boxes[frame]
                self.centres.append(flipped(box) if lesson.flip else box)
                self.centre_of.append(base + i)
            self.fine.append(fine[:, ::-1] if lesson.flip else fine)
            self.colour.append(colour[:, ::-1] if lesson.flip else colour)
        words = vocabulary()
        present, sure = np.zeros(len(words.nouns), np.float32), np.ones(len(words.nouns), np.float32)
        frame = int(clip.kept[lesson.last])
        for thing, noun in zip(clip.things, nouns):
            if noun == UNSURE:
                continue
            if thing.clear[frame]:
                present[noun] = 1
            elif thing.visible[frame] and not present[noun]:
                sure[noun] = 0
        sure[present > 0] = 1
        if clip.photo:
            sure[[vocabulary().place_of(noun) for noun in UNSURE_NOUNS]] = 0
            sure[present > 0] = 1
            sure[[vocabulary().place_of(thing.naming.noun) for thing in lesson.imagined]] = 0
        if lesson.renaming is not None:
            thing = clip.things[lesson.renaming.thing]
            sure[vocabulary().place_of(thing.noun)] = 0
            new = vocabulary().place_of(lesson.renaming.noun)
            present[new] = float(thing.visible[frame])
            sure[new] = float(thing.clear[frame] or not thing.visible[frame])
        self.present.append(present)
        self.sure.append(sure)

    def coarse_cells(self, lesson: Lesson, nouns: list[int], frame: int) -> np.ndarray:
        """(25): the thing that covers most of the cell, if it covers a fifth of it or has its middle there; unsure where two nouns share it."""
        cells = np.full(25, NOTHING)
        best = np.zeros(25, np.float32)
        for thing, noun in zip(lesson.clip.things, nouns):
            if not thing.visible[frame]:
                continue
            x0, y0, x1, y1 = flipped(thing.boxes[frame]) if lesson.flip else thing.boxes[frame]
            cover = (np.clip(np.minimum(x1, self.x + 0.1) - np.maximum(x0, self.x - 0.1), 0, None) * np.clip(np.minimum(y1, self.y + 0.1) - np.maximum(y0, self.y - 0.1), 0, None)) * 25
            middle = (np.abs((x0 + x1) / 2 - self.x) <= 0.1) & (np.abs((y0 + y1) / 2 - self.y) <= 0.1)
            score = cover + middle * 0.5
            mine = (score > best) & ((cover > 0.2) | middle)
            cells[(cover > 0.02) & (cells == NOTHING)] = UNSURE
            cells[mine] = noun
            best[mine] = score[mine]
        return cells

    def finish(self) -> Alignment:
        tensor = lambda parts: torch.from_numpy(np.ascontiguousarray(np.stack(parts)))
        centres = tensor(self.centres).float() if self.centres else torch.zeros(0, 4)
        return Alignment(tensor(self.coarse), tensor(self.fine), tensor(self.colour), centres, torch.tensor(self.centre_of, dtype=torch.long), tensor(self.present), tensor(self.sure))
