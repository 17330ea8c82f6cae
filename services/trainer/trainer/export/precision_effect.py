"""What a precision costs: the logits of a decoder file against those of the same weights in fp32."""
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from trainer.export.decoder_gqa import PRECISIONS, DecoderShape, Precision, write_decoder
from trainer.export.decoder_session import DecoderSession
from trainer.export.decoder_weights import DecoderWeights


class Effect(NamedTuple):
    precision: Precision
    megabytes: float
    worst: float      # largest difference of a logit
    relative: float   # root mean square of the differences, in standard deviations of the fp32 logits
    divergence: float  # mean KL divergence from fp32, nats
    same: float       # share of positions whose likeliest token is the same
    hidden: float     # 1 − cosine of the hidden states, mean


def precision_effects(shape: DecoderShape, weights: DecoderWeights, ids: np.ndarray, precisions: tuple[Precision, ...] = PRECISIONS) -> Iterator[Effect]:
    """ids int (S,): what is fed, one by one as in serving. The first row is fp32 against itself."""
    fed = weights('embed_tokens.weight')[ids]
    truth: tuple[np.ndarray, np.ndarray] | None = None
    for precision in ('fp32', *(each for each in precisions if each != 'fp32')):
        with TemporaryDirectory() as folder:
            files = write_decoder(Path(folder) / 'decoder.onnx', shape, weights, precision, len(ids))
            found = run_through(files[0], fed)
            truth = truth or found
            yield compare(precision, sum(file.stat().st_size for file in files) / 1e6, truth, found)


def run_through(path: Path, fed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    session = DecoderSession(path)
    steps = [session.feed(row[None, None]) for row in fed]
    return np.concatenate([step.logits for step in steps]), np.concatenate([step.hidden[0] for step in steps])  # (S, V), (S, d)


def compare(precision: Precision, megabytes: float, truth: tuple[np.ndarray, np.ndarray], found: tuple[np.ndarray, np.ndarray]) -> Effect:
    (wanted, state), (logits, hidden) = truth, found
    difference = logits - wanted
    cosine = (state * hidden).sum(-1) / (np.linalg.norm(state, axis=-1) * np.linalg.norm(hidden, axis=-1))
    log_p, log_q = log_softmax(wanted), log_softmax(logits)
    return Effect(precision, megabytes, float(np.abs(difference).max()), float(np.sqrt((difference ** 2).mean()) / wanted.std()),
                  float((np.exp(log_p) * (log_p - log_q)).sum(-1).mean()), float((logits.argmax(-1) == wanted.argmax(-1)).mean()), float(1 - cosine.mean()))


def log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits.astype(np.float64) - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def as_table(effects: list[Effect]) -> str:
    lines = ['| precision | decoder MB | worst logit difference | relative | KL, nats | same likeliest token | 1 − cosine of hidden |', '|---|---|---|---|---|---|---|']
    lines += [f'| {e.precision} | {e.megabytes:.1f} | {e.worst:.2g} | {e.relative:.2g} | {e.divergence:.2g} | {e.same:.1%} | {e.hidden:.2g} |' for e in effects]
    return '\n'.join(lines)
