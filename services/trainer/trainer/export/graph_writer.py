"""An ONNX graph written node by node; numbers too many for the graph file go straight to a data file beside it."""
from pathlib import Path
from typing import BinaryIO

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CONTRIB = 'com.microsoft'
INLINE = 1 << 12  # bytes of a tensor that still stay inside the graph file
ALIGNED = 4096  # ONNX Runtime maps a tensor from the file without a copy where it begins on a page
IR, OPSET = 10, 21


class GraphWriter:
    """Values are known by their names; each call adds one and gives its name back."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = path.with_name(f'{path.name}.data')
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, TensorProto] = {}
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        self.file: BinaryIO | None = None

    def input(self, name: str, kind: int, shape: list[int | str]) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, name: str, kind: int, shape: list[int | str]) -> str:
        self.outputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def signal(self, name: str) -> None:
        """An output that is an empty sequence, to come before the tensors.

        onnxruntime-node copies every output into a new array, also those that were written where the caller said; it stops at the first that is no tensor.
        With this one in front, a cache written in place is not copied out at every step.
        """
        self.outputs.append(helper.make_tensor_sequence_value_info(name, TensorProto.FLOAT, None))
        self.nodes_of('SequenceEmpty', [], [name], dtype=TensorProto.FLOAT)

    def node(self, op: str, inputs: list[str], output: str, domain: str = '', **attributes: object) -> str:
        self.nodes_of(op, inputs, [output], domain, **attributes)
        return output

    def nodes_of(self, op: str, inputs: list[str], outputs: list[str], domain: str = '', **attributes: object) -> None:
        """A node of several outputs; '' where an output is not wanted."""
        self.nodes.append(helper.make_node(op, inputs, outputs, name=f'{op}/{outputs[0]}', domain=domain, **attributes))

    def constant(self, name: str, values: np.ndarray) -> str:
        if name in self.constants:
            return name
        if values.nbytes <= INLINE:
            self.constants[name] = numpy_helper.from_array(values, name)
        else:
            self.constants[name] = self.outside(name, np.ascontiguousarray(values))
        return name

    def outside(self, name: str, values: np.ndarray) -> TensorProto:
        self.file = self.file or open(self.data, 'wb')
        self.file.write(bytes(-self.file.tell() % ALIGNED))
        offset = self.file.tell()
        values.tofile(self.file)
        tensor = TensorProto(name=name, dims=values.shape, data_type=helper.np_dtype_to_tensor_dtype(values.dtype), data_location=TensorProto.EXTERNAL)
        for key, value in (('location', self.data.name), ('offset', offset), ('length', values.nbytes)):
            tensor.external_data.add(key=key, value=str(value))
        return tensor

    def save(self) -> list[Path]:
        """Writes the graph → its files."""
        graph = helper.make_graph(self.nodes, self.path.stem, self.inputs, self.outputs, list(self.constants.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', OPSET), helper.make_opsetid(CONTRIB, 1)], ir_version=IR, producer_name='fovea-train')
        onnx.save(model, self.path)
        if self.file is None:
            return [self.path]
        self.file.close()
        return [self.path, self.data]
