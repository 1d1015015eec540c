"""An ONNX graph, collected node by node, with its tensors beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: ONNX operator set and IR version, named so that an older ONNX Runtime does not refuse a newer onnx package's default.
OPSET = 17
IR_VERSION = 8
#: Domain of ONNX Runtime's fused operators.
CONTRIB = "com.microsoft"


@dataclass(frozen=True, slots=True)
class OnnxGraph:
    """model: the serialised graph, without its tensors.    tensors: by name."""

    model: bytes
    tensors: Mapping[str, NDArray[Any]]


class GraphBuilder:
    """Collects nodes and tensors; ``op`` and ``put`` return the name of what they made.

    weights: the tensors of ``model.safetensors`` under their Hugging Face names.
    """

    def __init__(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        self.weights = weights
        self.nodes: list[Any] = []
        self.tensors: dict[str, NDArray[Any]] = {}
        self.numbers: dict[str, Any] = {}

    def value(self, name: str) -> NDArray[np.float32]:
        """A weight of the file, as it lies there. Raises KeyError."""
        return np.asarray(self.weights[name], dtype=np.float32)

    def weight(self, name: str, *, transposed: bool = False) -> str:
        """A weight of the file; a dense layer's is stored (out, in) and multiplied as (in, out)."""
        value = self.value(name)
        return self.put(name, value.T if transposed else value)

    def put(self, name: str, value: NDArray[Any]) -> str:
        """A tensor that ONNX Runtime reads where it lies."""
        self.tensors[name] = np.ascontiguousarray(value)
        return name

    def number(self, name: str, value: float, kind: type[np.generic] = np.float32) -> str:
        """A scalar, held by the graph itself."""
        from onnx import numpy_helper

        self.numbers[name] = numpy_helper.from_array(np.array(value, dtype=kind), name)
        return name

    def norm(self, prefix: str) -> list[str]:
        """Gain and shift of a layer norm."""
        return [self.weight(f"{prefix}.weight"), self.weight(f"{prefix}.bias")]

    def op(self, kind: str, inputs: Sequence[str], output: str, *, domain: str = CONTRIB, **attributes: Any) -> str:
        """A node with one output."""
        from onnx import helper

        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=output, domain=domain, **attributes))
        return output

    def finish(self, hidden: str, size: int, *, shown: Sequence[str] = ()) -> OnnxGraph:
        """The graph from ``input_ids`` (batch, length) to *hidden*, (batch, length, size), as ``last_hidden_state``.

        shown: other tensors (batch, length, …) that can be asked for.
        """
        from onnx import TensorProto, helper

        self.op("Identity", [hidden], "last_hidden_state", domain="")
        model = helper.make_model(
            helper.make_graph(
                self.nodes,
                "bert",
                [helper.make_tensor_value_info("input_ids", TensorProto.INT32, ["batch", "length"])],
                [
                    helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "length", width])
                    for name, width in (("last_hidden_state", size), *((name, None) for name in shown))
                ],
                [*(_placed_outside(name, value) for name, value in self.tensors.items()), *self.numbers.values()],
            ),
            opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)],
            ir_version=IR_VERSION,
            producer_name="hippomem",
        )
        return OnnxGraph(bytes(model.SerializeToString()), self.tensors)


def _placed_outside(name: str, value: NDArray[Any]) -> Any:
    """A tensor's name, type and shape, without its values."""
    from onnx import StringStringEntryProto, TensorProto, helper

    proto = TensorProto(name=name, dims=value.shape, data_type=helper.np_dtype_to_tensor_dtype(value.dtype))
    # "External" with a file name that is never opened: ONNX Runtime takes the array given for this name instead.
    proto.data_location = TensorProto.EXTERNAL
    place = {"location": "given-in-memory", "offset": "0", "length": str(value.nbytes)}
    proto.external_data.extend(StringStringEntryProto(key=key, value=item) for key, item in place.items())
    return proto
