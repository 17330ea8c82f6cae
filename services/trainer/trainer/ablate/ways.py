"""The ways in which an arm answers what a head is for: how it is trained, and what it says in the exam.

`Heads` is the method itself; every other way changes one thing of it.
"""
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from trainer.ablate.model import ArmModel
from trainer.batch import Batch
from trainer.lesson import Lesson, Question
from trainer.losses.region import RegionTargets
from trainer.losses.region_mlp import region_mlp_loss
from trainer.objective import Pass, Weights, loss_parts, scaled, whole
from trainer.rows import Tracks
from trainer.textual import as_text


class Found(NamedTuple):
    boxes: Tensor   # (R, 4) the best box of each row
    object: Tensor  # (R) logit of presence


class Heads:
    """Task token → embedding → head, trained by the head's own loss."""
    writes = False  # coordinates as words


    def taught(self, question: Question, lesson: Lesson) -> Question | None:
        """The question as this way is taught it; None where it cannot be."""
        return question

    def weights(self, weights: Weights) -> Weights:
        """Of the losses, where they differ from the table's."""
        return weights

    def losses(self, model: ArmModel, batch: Batch, done: Pass, weights: Weights) -> dict[str, Tensor]:
        return loss_parts(model, batch, done, weights)

    def boxes(self, model: ArmModel, done: Pass, state: Tensor, frame: Tensor) -> Found:
        """frame (R), ascending."""
        maps = model.region.maps(done.head_map, state, frame)
        cell = maps.heat.flatten(1).argmax(1)
        return Found(maps.boxes.flatten(2).gather(2, cell[:, None, None].expand(-1, 4, 1))[..., 0], maps.object)

    def prompt(self, model: ArmModel, state: Tensor) -> Tensor:
        """What the mask head is prompted with: (Q, 2, G·G)."""
        return model.mask.prompt_state(state)


class MlpBoxes(Heads):
    """The region head is TPO's MLP."""

    def losses(self, model: ArmModel, batch: Batch, done: Pass, weights: Weights) -> dict[str, Tensor]:
        parts = loss_parts(model, batch, done, replace(weights, region=0.0))
        rows = batch.region
        if len(rows.query):
            parts |= scaled('region', region_mlp_loss(whole(model.mlp(done.states[rows.query])), RegionTargets(rows.boxes, rows.owner)), weights.region)
        return parts

    def boxes(self, model: ArmModel, done: Pass, state: Tensor, frame: Tensor) -> Found:
        return Found(*model.mlp(state))


class BoxImitation(Heads):
    """The mask head learns pixels from drawn boxes and points only; the task embedding learns to imitate the prompt of a box (TPO's published losses:
    L1 to SAM 2's prompt encoding of the true box, and L1 of a regressed box)."""

    def losses(self, model: ArmModel, batch: Batch, done: Pass, weights: Weights) -> dict[str, Tensor]:
        parts = loss_parts(model, replace(batch, tracks=drawn_only(batch.tracks)), done, replace(weights, mask=0.0))
        row, truth = boxes_around(batch.mask.target)
        newest = batch.mask.frame[row] == batch.last[batch.queries.lesson[batch.mask.query[row]]]  # a box is a box of one frame: the last one seen
        row, truth = row[newest], truth[newest]
        if weights.mask and len(row):
            boxes = whole(model.mlp(done.states[batch.mask.query[row]])).boxes
            drawn, wanted = model.mask.prompt_boxes(boxes), model.mask.prompt_boxes(truth)
            parts |= scaled('mask', {'imitation': F.l1_loss(drawn, wanted) * 4, 'box': F.l1_loss(boxes, truth) * 4}, weights.mask)
        return parts

    def prompt(self, model: ArmModel, state: Tensor) -> Tensor:
        return model.mask.prompt_boxes(model.mlp(state).boxes)


class Textual(Heads):
    """No head at all: coordinates are words."""
    writes = True

    def taught(self, question: Question, lesson: Lesson) -> Question | None:
        return as_text(question, lesson)

    def weights(self, weights: Weights) -> Weights:
        return replace(weights, region=0.0, mask=0.0, track=0.0, moment=0.0, name=0.0)


def drawn_only(tracks: Tracks) -> Tracks:
    chosen = tracks.kind != 0
    return Tracks(*(part[chosen] for part in (tracks.query, tracks.boxes, tracks.points, tracks.kind, tracks.frames, tracks.target)))


def boxes_around(target: Tensor) -> tuple[Tensor, Tensor]:
    """Masks (R, h, w) in 0–1 → the rows that show something, and the box around each of those (n, 4)."""
    shown = target > 0.3
    rows = shown.flatten(1).any(1).nonzero()[:, 0]
    height, width = target.shape[1:]
    boxes = []
    for row in rows.tolist():
        y, x = shown[row].nonzero(as_tuple=True)
        boxes.append(torch.stack([x.min() / width, y.min() / height, (x.max() + 1) / width, (y.max() + 1) / height]))
    return rows, torch.stack(boxes) if boxes else target.new_zeros(0, 4)
