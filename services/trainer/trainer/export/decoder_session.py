"""Runs a decoder file as the service does: one buffer a layer for past and present, rows of a batch behind lengths of their own."""
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime
from onnxruntime import OrtValue


class Step(NamedTuple):
    logits: np.ndarray  # float32 (B, V), of the last position
    hidden: np.ndarray  # float32 (B, S, d)


class DecoderSession:
    def __init__(self, path: Path, slots: int = 1, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        self.session = onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])
        self.cache = {port.name: np.zeros((slots, *port.shape[1:]), np.float16 if 'float16' in port.type else np.float32) for port in self.session.get_inputs() if port.name.startswith('past.')}
        self.lengths = np.zeros(slots, np.int64)

    def feed(self, embeds: np.ndarray, first: int = 0) -> Step:
        """embeds float32 (B, S, d) into the slots first … first + B − 1."""
        rows = slice(first, first + embeds.shape[0])
        binding = self.session.io_binding()
        binding.bind_cpu_input('embeds', np.ascontiguousarray(embeds))
        binding.bind_cpu_input('lengths', self.lengths[rows].copy())
        for name, values in self.cache.items():
            value = OrtValue.ortvalue_from_numpy(values[rows])  # over the same memory
            binding.bind_ortvalue_input(name, value)
            binding.bind_ortvalue_output(name.replace('past.', 'present.'), value)
        for name in ('logits', 'hidden'):
            binding.bind_output(name)
        self.session.run_with_iobinding(binding)
        logits, hidden = (value.numpy() for value in binding.get_outputs()[-2:])
        self.lengths[rows] += embeds.shape[1]
        return Step(logits[:, 0], hidden)
