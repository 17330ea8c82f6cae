"""What the official predictor says of a clip: masks of every object in every frame, and what went in and out of its parts on the way."""
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from trainer.metrics.rle import encode
from trainer.sam.eyes import MEAN, STD


@dataclass(frozen=True)
class Prompt:
    """How an object is pointed out, coordinates in 0–1: a box, points with labels 1 inside and 0 outside, or an ellipse (middle and radii) drawn as a mask."""
    box: tuple[float, float, float, float] | None = None
    points: tuple[tuple[float, float, int], ...] = ()
    drawn: tuple[float, float, float, float] | None = None
    frame: int = 0

    def as_json(self, size: int) -> dict[str, object]:
        how = {'box': self.box} if self.box else {'mask': encode(self.mask(size))} if self.drawn else {'points': self.points}
        return {'frame': self.frame, **how}

    def mask(self, size: int) -> np.ndarray:
        """(size, size) bool"""
        assert self.drawn is not None
        x, y, wide, high = self.drawn
        rows, columns = np.mgrid[:size, :size] / size
        return ((columns - x) / wide) ** 2 + ((rows - y) / high) ** 2 < 1


@dataclass
class Told:
    """Of one frame: masks (Q, 4G, 4G) logits, object (Q) logits, ious and pointers as the decoder gave them."""
    masks: Tensor
    object: Tensor
    pointer: Tensor
    memory: Tensor                    # as it is kept: rounded to bfloat16
    encoded: Tensor                   # before that
    candidates: Tensor | None = None  # (Q, 3) IoUs, where candidates were chosen among
    attended: Tensor | None = None    # (Q, C, G, G)


@dataclass
class Run:
    frames: list[Told] = field(default_factory=list)

    def margin(self) -> float:
        """How far the nearest other choice was: between the best two candidates, or between there and not there."""
        choices = [told.candidates.topk(2).values.diff(dim=1).abs().min() for told in self.frames if told.candidates is not None]
        return float(min([*choices, *(told.object.abs().min() for told in self.frames)]))

    def share(self) -> tuple[float, float]:
        """The smallest and the largest part of a picture that an outline takes."""
        shares = torch.stack([(told.masks > 0).float().mean((1, 2)) for told in self.frames])
        return float(shares.min()), float(shares.max())


@torch.inference_mode()
def follow(model: nn.Module, frames: np.ndarray, prompts: list[Prompt], go_on: Callable[[Run], bool] = lambda _: True) -> Run:
    """frames (T, S, S, 3) uint8; all prompts on one frame. The predictor starts there, and stops where `go_on` says so."""
    first = prompts[0].frame
    run, seen = Run(), Capture(model)
    with given(frames), seen.watching():
        state = model.init_state('frames')
        for number, prompt in enumerate(prompts):
            if prompt.drawn:
                model.add_new_mask(state, frame_idx=first, obj_id=number, mask=torch.from_numpy(prompt.mask(model.image_size)))
                continue
            points = {'points': np.array([point[:2] for point in prompt.points], np.float32), 'labels': np.array([point[2] for point in prompt.points], np.int32)} if prompt.points else {}
            box = None if prompt.box is None else np.array(prompt.box, np.float32)
            # The predictor divides by the size of the video; this video has the model's own size.
            scaled = {key: value * model.image_size if key == 'points' else value for key, value in points.items()}
            model.add_new_points_or_box(state, frame_idx=first, obj_id=number, box=None if box is None else box * model.image_size, **scaled)
        seen.clear()
        model.propagate_in_video_preflight(state)  # encodes the prompted frame, for all objects
        first_memory = seen.memory
        for index, _, _ in model.propagate_in_video(state, start_frame_idx=first):
            kind = 'cond_frame_outputs' if index == first else 'non_cond_frame_outputs'
            out = state['output_dict'][kind][index]
            told = Told(out['pred_masks'][:, 0], out['object_score_logits'][:, 0], out['obj_ptr'], out['maskmem_features'].float(), first_memory if index == first else seen.memory)
            if seen.candidates is not None:
                told.candidates, told.attended = seen.candidates, seen.attended
            run.frames.append(told)
            seen.clear()
            if not go_on(run):
                break
    return run


class Capture:
    """Looks at what the decoder is given and gives, and at memory before it is rounded."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.clear()

    def clear(self) -> None:
        self.candidates: Tensor | None = None
        self.memory: Tensor | None = None
        self.attended: Tensor | None = None

    @contextmanager
    def watching(self) -> Iterator[None]:
        def look(_: nn.Module, __: tuple, options: dict, result: tuple) -> None:
            self.attended, self.candidates = options['image_embeddings'], result[1]

        def keep(*arguments: object, **options: object) -> tuple[Tensor, list[Tensor]]:
            found = encode(*arguments, **options)
            self.memory = found[0]
            return found

        encode = self.model._encode_new_memory
        handle = self.model.sam_mask_decoder.register_forward_hook(look, with_kwargs=True)
        self.model._encode_new_memory = keep
        try:
            yield
        finally:
            handle.remove()
            del self.model._encode_new_memory


@contextmanager
def given(frames: np.ndarray) -> Iterator[None]:
    """Frames from memory in the place of a folder of JPEG files, which would lose a little of each; and no progress bar."""
    from trainer.sam.official import predictor_module  # which looks at this module's clip itself
    predictor = predictor_module()
    before = predictor.load_video_frames, predictor.tqdm
    pictures = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
    pictures = (pictures - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    predictor.load_video_frames = lambda **_: (pictures, frames.shape[1], frames.shape[2])
    predictor.tqdm = lambda items, **_: items
    try:
        yield
    finally:
        predictor.load_video_frames, predictor.tqdm = before


def moving_shapes(size: int, count: int = 20) -> np.ndarray:
    """A clip of three rectangles that drift over a slope of grey, (T, size, size, 3): small when compressed, and the same everywhere."""
    frames = np.zeros((count, size, size, 3), np.uint8)
    y, x = np.mgrid[:size, :size]
    for t in range(count):
        frames[t] = ((x + 2 * y) * 80 // size + 40)[..., None]
        for number, (left, top, dx, dy, colour) in enumerate(SHAPES):
            x0, y0 = (left * size + dx * t * size // 10) // 100, (top * size + dy * t * size // 10) // 100
            frames[t, max(y0, 0):y0 + size // 5, max(x0, 0):x0 + size // (4 + number)] = colour
    return frames


SHAPES = ((10, 10, 12, 8, (220, 40, 40)), (60, 20, -10, 14, (40, 200, 60)), (30, 65, 9, -11, (50, 80, 230)))
PROMPTS = [Prompt(points=((0.2, 0.2, 1),)), Prompt(box=(0.6, 0.2, 0.8, 0.4)), Prompt(points=((0.38, 0.72, 1), (0.7, 0.8, 0)))]
LATE = Prompt(points=((0.4, 0.6, 1),), frame=7)
DRAWN = Prompt(drawn=(0.7, 0.3, 0.15, 0.1), frame=3)
