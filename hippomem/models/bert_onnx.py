"""An ONNX graph of a BERT encoder, built straight from ``model.safetensors``: no torch, no exported file.

The graph has no attention mask. Every text of a batch must have the same number of tokens, so nothing is padded and
each row is computed from its own tokens alone; that is what keeps a text's vector bit-identical in every batch.

The graph takes some 30 kB and names its weights; ONNX Runtime is given the arrays beside it. Building it takes about
25 ms, where a model file with the weights inside takes a second to write and 90 MB of disk to keep.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

#: ONNX operator set and IR version, named so that an older ONNX Runtime does not refuse a newer onnx package's default.
OPSET = 17
IR_VERSION = 8
#: Tensors of the graph: as many ones and zeros as a text has tokens.
ONES, ZEROS = "ones", "zeros"
#: Domain of ONNX Runtime's fused operators.
CONTRIB = "com.microsoft"


@dataclass(frozen=True, slots=True)
class BertShape:
    """Sizes of the encoder, from its ``config.json``. epsilon: added to the variance in each layer norm."""

    hidden: int
    layers: int
    heads: int
    epsilon: float

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> BertShape:
        """Read a Hugging Face ``config.json``. Raises ValueError for anything but a plain BERT with exact GELU."""
        found = (config.get("model_type"), config.get("hidden_act"), config.get("position_embedding_type", "absolute"))
        if found != ("bert", "gelu", "absolute"):
            raise ValueError(f"only BERT with exact GELU and absolute positions can be built, not {found}")
        return cls(
            hidden=int(config["hidden_size"]),
            layers=int(config["num_hidden_layers"]),
            heads=int(config["num_attention_heads"]),
            epsilon=float(config["layer_norm_eps"]),
        )


@dataclass(frozen=True, slots=True)
class BertGraph:
    """model: the serialised graph, without weights.    tensors: its weights by name, float32."""

    model: bytes
    tensors: Mapping[str, NDArray[np.float32]]


class _Builder:
    """Collects nodes and weights; ``op`` returns the name of the node's output."""

    def __init__(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        self.weights = weights
        self.nodes: list[Any] = []
        self.tensors: dict[str, NDArray[np.float32]] = {}

    def weight(self, name: str, *, transposed: bool = False) -> str:
        """A weight of the file; a dense layer's is stored (out, in) and multiplied as (in, out)."""
        value = np.asarray(self.weights[name], dtype=np.float32)
        return self.put(name, value.T if transposed else value)

    def put(self, name: str, value: NDArray[np.float32]) -> str:
        self.tensors[name] = np.ascontiguousarray(value, dtype=np.float32)
        return name

    def norm(self, prefix: str) -> list[str]:
        return [self.weight(f"{prefix}.weight"), self.weight(f"{prefix}.bias")]

    def dense(self, source: str, prefix: str) -> str:
        """source · Wᵀ, without the bias: the fused operator that follows adds it."""
        return self.op("MatMul", [source, self.weight(f"{prefix}.weight", transposed=True)], f"{prefix}/out", domain="")

    def op(self, kind: str, inputs: Sequence[str], output: str, *, domain: str = CONTRIB, **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=output, domain=domain, **attributes))
        return output


def build_bert(weights: Mapping[str, NDArray[np.float32]], shape: BertShape) -> BertGraph:
    """The encoder as a graph.

    weights: the tensors of ``model.safetensors`` under their Hugging Face names.
    Input ``input_ids`` (batch, length) int32; output ``last_hidden_state`` (batch, length, hidden) float32. The graph
    uses ONNX Runtime's fused operators. Raises KeyError when a tensor is missing.
    """
    from onnx import TensorProto, helper

    build = _Builder(weights)
    # The token type is always 0, so its one vector is folded into the positions.
    token_type = np.asarray(weights["embeddings.token_type_embeddings.weight"], dtype=np.float32)[0]
    positions = np.asarray(weights["embeddings.position_embeddings.weight"], dtype=np.float32) + token_type
    hidden = build.op(
        "EmbedLayerNormalization",
        [
            "input_ids",
            "",
            build.weight("embeddings.word_embeddings.weight"),
            build.put("embeddings.positions", positions),
            "",
            *build.norm("embeddings.LayerNorm"),
        ],
        "embedded",
        epsilon=shape.epsilon,
    )
    # The second output (the number of real tokens a row) is required by the operator and read by nobody.
    build.nodes[-1].output.append("lengths")

    # Gain 1 and shift 0 for each token of a text: what InstanceNormalization wants for every channel.
    build.op("Shape", ["input_ids"], "length", domain="", start=1, end=2)
    for name, value in ((ONES, 1.0), (ZEROS, 0.0)):
        build.op(
            "ConstantOfShape",
            ["length"],
            name,
            domain="",
            value=helper.make_tensor("", TensorProto.FLOAT, [1], [value]),
        )

    for layer in range(shape.layers):
        at = f"encoder.layer.{layer}"
        heads = [f"{at}.attention.self.{part}" for part in ("query", "key", "value")]
        # Three products and MultiHeadAttention rather than the one Attention operator: as fast, and plainer weights.
        bias = np.concatenate([np.asarray(weights[f"{head}.bias"], dtype=np.float32) for head in heads])
        context = build.op(
            "MultiHeadAttention",
            [*(build.dense(hidden, head) for head in heads), build.put(f"{at}.attention.bias", bias)],
            f"{at}/context",
            num_heads=shape.heads,
        )
        hidden = _add_and_norm(build, context, hidden, f"{at}.attention.output", shape.epsilon)
        inner = build.dense(hidden, f"{at}.intermediate.dense")
        active = build.op("BiasGelu", [inner, build.weight(f"{at}.intermediate.dense.bias")], f"{at}/active")
        hidden = _add_and_norm(build, active, hidden, f"{at}.output", shape.epsilon)
    build.op("Identity", [hidden], "last_hidden_state", domain="")
    return BertGraph(_serialise(build, shape), build.tensors)


def _add_and_norm(build: _Builder, source: str, residual: str, prefix: str, epsilon: float) -> str:
    """LayerNorm(source · Wᵀ + bias + residual): the end of an attention block and of a feed-forward block.

    Spelled out, because ONNX Runtime's SkipLayerNormalization adds up each token one number at a time and took a
    seventh of the whole encoder; InstanceNormalization, with each token a channel of its own, uses vector instructions
    and takes a sixth of that. It also squares the distances from the mean instead of subtracting two large sums.
    """
    # The residual comes first: a bias right behind a product is turned into Gemm, which is slower here.
    total = build.op("Add", [build.dense(source, f"{prefix}.dense"), residual], f"{prefix}/residual", domain="")
    total = build.op("Add", [total, build.weight(f"{prefix}.dense.bias")], f"{prefix}/total", domain="")
    gain, shift = build.norm(f"{prefix}.LayerNorm")
    unit = build.op("InstanceNormalization", [total, ONES, ZEROS], f"{prefix}/unit", domain="", epsilon=epsilon)
    return build.op(
        "Add", [build.op("Mul", [unit, gain], f"{prefix}/gain", domain=""), shift], f"{prefix}/norm", domain=""
    )


def _serialise(build: _Builder, shape: BertShape) -> bytes:
    from onnx import StringStringEntryProto, TensorProto, helper

    initializers = []
    for name, value in build.tensors.items():
        proto = TensorProto(name=name, dims=value.shape, data_type=TensorProto.FLOAT)
        # "External" with a file name that is never opened: ONNX Runtime takes the array given for this name instead.
        proto.data_location = TensorProto.EXTERNAL
        place = {"location": "given-in-memory", "offset": "0", "length": str(value.nbytes)}
        proto.external_data.extend(StringStringEntryProto(key=key, value=item) for key, item in place.items())
        initializers.append(proto)
    model = helper.make_model(
        helper.make_graph(
            build.nodes,
            "bert",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT32, ["batch", "length"])],
            [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "length", shape.hidden])],
            initializers,
        ),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)],
        ir_version=IR_VERSION,
        producer_name="hippomem",
    )
    return bytes(model.SerializeToString())


class BertEncoder:
    """A BERT encoder running in ONNX Runtime on the CPU; safe to call from several threads at once."""

    def __init__(self, graph: BertGraph) -> None:
        """Cheap: the first call with a number of threads prepares the weights for it (about 0.1 s for 22M of them)."""
        from onnxruntime import OrtValue

        self._model = graph.model
        # ONNX Runtime may read these arrays for as long as a session lives, and does not keep them itself.
        self._tensors = {name: OrtValue.ortvalue_from_numpy(value) for name, value in graph.tensors.items()}
        self._sessions: dict[int, InferenceSession] = {}
        self._lock = threading.Lock()

    def encode(self, input_ids: NDArray[np.int32], *, threads: int = 1) -> NDArray[np.float32]:
        """Token ids (batch, length), all rows whole, to hidden states (batch, length, hidden).

        threads: how many share this call's work, the caller among them. The result does not depend on it.
        """
        session = self._session(threads)
        output: NDArray[np.float32] = session.run(["last_hidden_state"], {"input_ids": input_ids})[0]
        return output

    def _session(self, threads: int) -> InferenceSession:
        """The session with that many threads: their number belongs to a session, not to a run."""
        with self._lock:
            if threads not in self._sessions:
                self._sessions[threads] = self._open(threads)
            return self._sessions[threads]

    def _open(self, threads: int) -> InferenceSession:
        from onnxruntime import InferenceSession, SessionOptions

        options = SessionOptions()
        options.intra_op_num_threads = threads
        # Spinning threads stay on, as by default: without them a query takes 6.3 ms instead of 3.6 on two idle cores.
        # Stopping them after each run (force_spinning_stop) doubles a query's time when the cores are shared.
        options.log_severity_level = 3
        options.add_external_initializers(list(self._tensors), list(self._tensors.values()))
        return InferenceSession(self._model, options, providers=["CPUExecutionProvider"])
