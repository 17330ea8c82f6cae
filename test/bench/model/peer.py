"""One peer of the bench `model`: loads its model, then answers each line on stdin with the figures of one answer as JSON.

    python peer.py transformers-fp32|transformers-bf16|genai FOLDER PROMPT TOKENS
"""
import json
from pathlib import Path
import sys
import time


class Times:
    """When each token came: on the clock, and in CPU seconds of this process."""

    def __init__(self) -> None:
        self.marks: list[tuple[float, float]] = []

    def mark(self) -> None:
        self.marks.append((time.perf_counter(), time.process_time()))

    def report(self) -> dict[str, float]:
        begun, first, last = self.marks[0], self.marks[1], self.marks[-1]
        steps = len(self.marks) - 2
        return {'prefillMs': (first[1] - begun[1]) * 1000, 'stepMs': (last[1] - first[1]) * 1000 / steps,
                'prefillWallMs': (first[0] - begun[0]) * 1000, 'stepWallMs': (last[0] - first[0]) * 1000 / steps}


def transformers_peer(folder: Path, half: bool, tokens: int):  # noqa: ANN201 — a function of the prompt
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.generation.streamers import BaseStreamer
    torch.set_num_threads(1)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16 if half else torch.float32).eval()
    cache = {'cache_implementation': 'static', 'disable_compile': True} if half else {}

    class Stamps(BaseStreamer):
        def __init__(self) -> None:
            self.times = Times()

        def put(self, value: torch.Tensor) -> None:  # the prompt comes first, then each token
            self.times.mark()

        def end(self) -> None:
            pass

    def answer(ids: list[int]) -> dict[str, float]:
        stamps = Stamps()
        prompt = torch.tensor([ids])
        with torch.inference_mode():
            model.generate(prompt, attention_mask=torch.ones_like(prompt), do_sample=False, min_new_tokens=tokens, max_new_tokens=tokens, pad_token_id=0, streamer=stamps, **cache)
        return stamps.times.report()

    return answer


def genai_peer(folder: Path, tokens: int):  # noqa: ANN201 — a function of the prompt
    import onnxruntime_genai as genai
    config = genai.Config(str(folder))
    config.overlay(json.dumps({'model': {'decoder': {'session_options': {'intra_op_num_threads': 1, 'inter_op_num_threads': 1}}}}))
    model = genai.Model(config)

    def answer(ids: list[int]) -> dict[str, float]:
        options = genai.GeneratorParams(model)
        options.set_search_options(max_length=len(ids) + tokens + 1, do_sample=False)
        generator = genai.Generator(model, options)
        times = Times()
        times.mark()
        generator.append_tokens(ids)
        for _ in range(tokens):
            generator.generate_next_token()
            times.mark()
        return times.report()

    return answer


def main() -> None:
    kind, folder, prompt, tokens = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    answer = genai_peer(folder, tokens) if kind == 'genai' else transformers_peer(folder, kind.endswith('bf16'), tokens)
    ids = [7 + at * 7919 % 150_000 for at in range(prompt)]
    for _ in sys.stdin:
        print(json.dumps(answer(ids)), flush=True)


if __name__ == '__main__':
    main()
