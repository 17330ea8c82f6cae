"""What two frozen, pretrained eyes make of a picture, as maps on the region head's grid.

NanoDet-g (COCO) gives class scores and boxes; Lite0's own classifier (ImageNet), applied at every position, gives class activation maps.
Nothing here is trained. The model decides how far to believe it: a noun of the vocabulary meets its channels through `noun_matrix`.

    evidence = Evidence.pretrained()
    maps = evidence(frames)                          # frames: uint8 (B, S, S, 3) RGB, S any; resized inside
    maps.coco                                        # (B, 80, 20, 20) class scores 0–1, channel k is COCO_NOUNS[k]
    maps.imagenet                                    # (B, N, 20, 20) 0–1, channel n is IMAGENET_NOUNS[n]
    maps.ltrb                                        # (B, 4, 20, 20) cell centre → left, top, right, bottom, in cells of this grid

    words = noun_matrix(['dog', 'oven', 'penguin'])  # (3, 80 + N), rows sum to 1, or to 0 for a noun that neither eye knows
    channels = torch.cat([maps.coco, maps.imagenet], 1)                           # (B, 80 + N, 20, 20)
    heat = torch.einsum('qk,bkhw->bqhw', words, channels)                         # what to add to a region head's heat map
    present = heat.amax((2, 3))                                                   # (B, 3): evidence for the words of the text
    boxes = boxes_of(maps.ltrb)                                                   # (B, 4, 20, 20) xyxy 0–1, a proposal a cell
    posterior @ noun_matrix(vocabulary)                                           # task state's class posterior → channel weights

On a photograph with a dog, `heat[:, 0]` peaks on it and `boxes` at the peak is its box. What to expect of the numbers, on photographs: the detector's
best score for a noun that is there is .15 in the worst tenth, .41 in the middle, .70 in the best tenth; for one that is not, below .07 in three of
four pictures and below .18 in nineteen of twenty. The classifier's is .99 in half of the cases and below .1 in a quarter.
"""
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.backbones.lite0 import CLASSES, Lite0
from trainer.backbones.nanodet import Level, NanoDet
from trainer.data.coco_nouns import COCO_NOUNS
from trainer.data.imagenet_nouns import IMAGENET_NOUNS
from trainer.data.nouns import Noun

GRID = 20
SIZE = 224         # pixels the detector sees; recall on photographs is the same at 224, 256 and 320, the time is not (see docs/design/evidence.md)
GLANCE = 224       # pixels the classifier sees
COCO_CHANNELS = len(COCO_NOUNS)
IMAGENET_CHANNELS = len(IMAGENET_NOUNS)
EVIDENCE_CHANNELS = COCO_CHANNELS + IMAGENET_CHANNELS
BOTH_KNOW = (0.75, 0.25)  # COCO's and ImageNet's weight for a noun that both know, best of five mixes on photographs


class EvidenceMaps(NamedTuple):
    coco: Tensor      # (B, 80, 20, 20)
    ltrb: Tensor      # (B, 4, 20, 20)
    imagenet: Tensor  # (B, N, 20, 20)


class Evidence(nn.Module):
    def __init__(self, encoder: Lite0, detector: NanoDet, size: int = SIZE, glance: int = GLANCE) -> None:
        super().__init__()
        self.encoder, self.detector, self.size, self.glance = encoder, detector, size, glance
        self.register_buffer('classes_of_noun', classes_of_noun(), persistent=False)  # (N, 1000)
        for level, stride in enumerate((8, 16, 32)):
            self.register_buffer(f'cells{level}', covering_cells(size // stride), persistent=False)  # (k, 400)

    @classmethod
    def pretrained(cls, size: int = SIZE, glance: int = GLANCE) -> 'Evidence':
        return cls(Lite0.pretrained(), NanoDet.pretrained(), size, glance).eval().requires_grad_(False)

    def forward(self, frames: Tensor) -> EvidenceMaps:
        pixels = frames.permute(0, 3, 1, 2).float()  # (B, 3, S, S)
        coco, ltrb = self.detected(pixels)
        return EvidenceMaps(coco, ltrb, self.recognised(pixels))

    def detected(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Scores: the best over strides. Boxes: those of the stride whose best class is surest."""
        bgr = (resized(pixels, self.size).flip(1) - self.detector.mean) / self.detector.std
        levels = [self.on_grid(level, index) for index, level in enumerate(self.detector.detect(bgr))]
        scores = torch.stack([scores for scores, _ in levels], 1)  # (B, 3, 80, 400)
        boxes = torch.stack([boxes for _, boxes in levels], 1)     # (B, 3, 4, 400)
        surest = scores.amax(2).argmax(1)                          # (B, 400)
        chosen = boxes.gather(1, surest[:, None, None].expand(-1, 1, 4, -1))[:, 0]  # (B, 4, 400)
        return scores.amax(1).unflatten(2, (GRID, GRID)), ltrb_of(chosen.unflatten(2, (GRID, GRID)))

    def on_grid(self, level: Level, index: int) -> tuple[Tensor, Tensor]:
        """One stride's scores and boxes at the head's cells: (B, 80, 400) and xyxy 0–1 (B, 4, 400).

        A head's cell takes, of the detector's cells that overlap it, the surest one whole: its scores and its box.
        """
        cells = getattr(self, f'cells{index}')            # (k, 400)
        scores = level.scores.flatten(2)[:, :, cells]     # (B, 80, k, 400)
        boxes = level_boxes(level, self.size).flatten(2)[:, :, cells]  # (B, 4, k, 400)
        surest = scores.amax(1).argmax(1)[:, None, None]  # (B, 1, 1, 400)
        return scores.amax(2), boxes.gather(2, surest.expand(-1, 4, 1, -1))[:, :, 0]

    def recognised(self, pixels: Tensor) -> Tensor:
        """ImageNet's nouns at each cell: the classifier at every position, over a 3×3 neighbourhood."""
        s32 = self.encoder.taps((resized(pixels, self.glance) - self.encoder.mean) / self.encoder.std).s32
        features = F.avg_pool2d(self.encoder.positions(s32), 3, 1, 1, count_include_pad=False)  # (B, 1280, h, w)
        logits = F.conv2d(features, self.encoder.classifier.weight[:, :, None, None], self.encoder.classifier.bias)
        nouns = torch.einsum('nc,bchw->bnhw', self.classes_of_noun, logits.softmax(1))  # (B, N, h, w)
        return F.interpolate(nouns, size=(GRID, GRID), mode='bilinear', align_corners=False)


def resized(pixels: Tensor, size: int) -> Tensor:
    if pixels.shape[-1] == size and pixels.shape[-2] == size:
        return pixels
    return F.interpolate(pixels, size=(size, size), mode='bilinear', align_corners=False)


def level_boxes(level: Level, size: int) -> Tensor:
    """Distances in pixels → xyxy 0–1: (B, 4, h, w)."""
    centre = cell_centres(level.ltrb.shape[-1], level.ltrb.device) * size
    return torch.cat([centre - level.ltrb[:, :2], centre + level.ltrb[:, 2:]], 1).div(size).clamp(0, 1)


def boxes_of(ltrb: Tensor) -> Tensor:
    """(B, 4, 20, 20) distances in cells → xyxy 0–1, the proposal of every cell."""
    centre = cell_centres(GRID, ltrb.device)
    return torch.cat([centre - ltrb[:, :2] / GRID, centre + ltrb[:, 2:] / GRID], 1)


def ltrb_of(boxes: Tensor) -> Tensor:
    """The inverse of `boxes_of`. A distance is negative where a neighbour's box does not reach the cell's centre."""
    centre = cell_centres(GRID, boxes.device)
    return torch.cat([centre - boxes[:, :2], boxes[:, 2:] - centre], 1) * GRID


def cell_centres(cells: int, device: torch.device) -> Tensor:
    along = (torch.arange(cells, device=device) + 0.5) / cells
    return torch.stack([along.expand(cells, cells), along[:, None].expand(cells, cells)])[None]  # (1, 2, cells, cells): x, y


def covering_cells(cells: int) -> Tensor:
    """For each of the head's 400 cells, the flat indices of the detector's cells whose centres fall into it; the nearest if none does."""
    def along(index: int) -> list[int]:
        inside = [i for i in range(cells) if index <= (i + 0.5) * GRID / cells < index + 1]
        return inside or [min(cells - 1, int((index + 0.5) * cells / GRID))]

    rows = [along(index) for index in range(GRID)]
    per_axis = max(len(row) for row in rows)
    padded = [row + row[-1:] * (per_axis - len(row)) for row in rows]
    return torch.tensor([[padded[y][a] * cells + padded[x][b] for y in range(GRID) for x in range(GRID)]
                         for a in range(per_axis) for b in range(per_axis)])  # (k, 400)


def classes_of_noun() -> Tensor:
    member = torch.zeros(IMAGENET_CHANNELS, CLASSES)
    for channel, noun in enumerate(IMAGENET_NOUNS):
        member[channel, list(noun.classes)] = 1
    return member


def noun_matrix(nouns: list[str]) -> Tensor:
    """Words → weights over evidence channels: (len(nouns), 80 + N). Names, plurals and synonyms are all understood."""
    coco = channel_of_word(COCO_NOUNS)
    imagenet = channel_of_word(tuple(row.noun for row in IMAGENET_NOUNS))
    matrix = torch.zeros(len(nouns), EVIDENCE_CHANNELS)
    for row, word in enumerate(nouns):
        detector, classifier = (1.0, 1.0) if (word in coco) != (word in imagenet) else BOTH_KNOW
        if word in coco:
            matrix[row, coco[word]] = detector
        if word in imagenet:
            matrix[row, COCO_CHANNELS + imagenet[word]] = classifier
    return matrix


def channel_of_word(nouns: tuple[Noun, ...]) -> dict[str, int]:
    """Every form of every noun → its channel; a noun's own name wins over another's synonym."""
    words: dict[str, int] = {}
    for channel, noun in enumerate(nouns):
        words |= {form: channel for forms in noun.synonyms for form in forms if form not in words}
    return words | {form: channel for channel, noun in enumerate(nouns) for form in (noun.name, noun.plural)}
