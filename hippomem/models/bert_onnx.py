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
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hippomem.models.onnx_graph import IR_VERSION, OPSET, GraphBuilder, OnnxGraph

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

#: Tensors of the graph: as many ones and zeros as a text has tokens.
ONES, ZEROS = "ones", "zeros"


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


def build_bert(weights: Mapping[str, NDArray[np.float32]], shape: BertShape, *, shown: Sequence[str] = ()) -> OnnxGraph:
    """The encoder as a graph.

    weights: the tensors of ``model.safetensors`` under their Hugging Face names.    shown: inner tensors to be outputs too.
    Input ``input_ids`` (batch, length) int32; output ``last_hidden_state`` (batch, length, hidden) float32. The graph
    uses ONNX Runtime's fused operators. Raises KeyError when a tensor is missing.
    """
    build = GraphBuilder(weights)
    hidden = embed_tokens(build, build.norm("embeddings.LayerNorm"), shape.epsilon)
    put_norm_constants(build)
    for layer in range(shape.layers):
        at = f"encoder.layer.{layer}"
        heads = [f"{at}.attention.self.{part}" for part in ("query", "key", "value")]
        # Three products and MultiHeadAttention rather than the one Attention operator: as fast, and plainer weights.
        bias = np.concatenate([build.value(f"{head}.bias") for head in heads])
        context = build.op(
            "MultiHeadAttention",
            [*(_dense(build, hidden, head) for head in heads), build.put(f"{at}.attention.bias", bias)],
            f"{at}/context",
            num_heads=shape.heads,
        )
        hidden = _add_and_norm(build, context, hidden, f"{at}.attention.output", shape.epsilon)
        inner = _dense(build, hidden, f"{at}.intermediate.dense")
        active = build.op("BiasGelu", [inner, build.weight(f"{at}.intermediate.dense.bias")], f"{at}/active")
        hidden = _add_and_norm(build, active, hidden, f"{at}.output", shape.epsilon)
    return build.finish(hidden, shape.hidden, shown=shown)


def embed_tokens(build: GraphBuilder, norm: Sequence[str], epsilon: float) -> str:
    """Word plus position, normalised.    norm: the names of the tensors of gain and shift."""
    # The token type is always 0, so its one vector is folded into the positions.
    positions = build.value("embeddings.position_embeddings.weight")
    positions = positions + build.value("embeddings.token_type_embeddings.weight")[0]
    words = build.weight("embeddings.word_embeddings.weight")
    inputs = ["input_ids", "", words, build.put("embeddings.positions", positions), "", *norm]
    embedded = build.op("EmbedLayerNormalization", inputs, "embedded", epsilon=epsilon)
    # The second output (the number of real tokens a row) is required by the operator and read by nobody.
    build.nodes[-1].output.append("lengths")
    return embedded


def put_norm_constants(build: GraphBuilder) -> None:
    """Gain 1 and shift 0 for each token of a text: what InstanceNormalization wants for every channel."""
    from onnx import TensorProto, helper

    build.op("Shape", ["input_ids"], "length", domain="", start=1, end=2)
    for name, number in ((ONES, 1.0), (ZEROS, 0.0)):
        value = helper.make_tensor("", TensorProto.FLOAT, [1], [number])
        build.op("ConstantOfShape", ["length"], name, domain="", value=value)


def _dense(build: GraphBuilder, source: str, prefix: str) -> str:
    """source · Wᵀ, without the bias: the fused operator that follows adds it."""
    return build.op("MatMul", [source, build.weight(f"{prefix}.weight", transposed=True)], f"{prefix}/out", domain="")


def _add_and_norm(build: GraphBuilder, source: str, residual: str, prefix: str, epsilon: float) -> str:
    """LayerNorm(source · Wᵀ + bias + residual): the end of an attention block and of a feed-forward block.

    Spelled out, because ONNX Runtime's SkipLayerNormalization adds up each token one number at a time and took a
    seventh of the whole encoder; InstanceNormalization, with each token a channel of its own, uses vector instructions
    and takes a sixth of that. It also squares the distances from the mean instead of subtracting two large sums.
    """
    # The residual comes first: a bias right behind a product is turned into Gemm, which is slower here.
    total = build.op("Add", [_dense(build, source, f"{prefix}.dense"), residual], f"{prefix}/residual", domain="")
    total = build.op("Add", [total, build.weight(f"{prefix}.dense.bias")], f"{prefix}/total", domain="")
    gain, shift = build.norm(f"{prefix}.LayerNorm")
    unit = build.op("InstanceNormalization", [total, ONES, ZEROS], f"{prefix}/unit", domain="", epsilon=epsilon)
    return build.op(
        "Add", [build.op("Mul", [unit, gain], f"{prefix}/gain", domain=""), shift], f"{prefix}/norm", domain=""
    )


class BertEncoder:
    """A BERT encoder running in ONNX Runtime on the CPU; safe to call from several threads at once."""

    def __init__(self, graph: OnnxGraph) -> None:
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

    def run(self, names: Sequence[str], input_ids: NDArray[np.int32]) -> list[NDArray[np.float32]]:
        """Other outputs of the graph, by their names."""
        outputs: list[NDArray[np.float32]] = self._session(1).run(list(names), {"input_ids": input_ids})
        return outputs

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
        if _bytes_overflow():
            # Unsigned by unsigned bytes instead: exact, and half as fast, so only where it must be.
            options.add_session_config_entry("session.x64quantprecision", "1")
        options.add_external_initializers(list(self._tensors), list(self._tensors.values()))
        return InferenceSession(self._model, options, providers=["CPUExecutionProvider"])


@cache
def _bytes_overflow() -> bool:
    """Whether this CPU's products of unsigned by signed bytes overflow 16 bits, as on x86 without VNNI: by trying."""
    from onnx import TensorProto, helper, numpy_helper
    from onnxruntime import InferenceSession

    weights = numpy_helper.from_array(np.full((64, 64), 127, dtype=np.int8), "b")
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node("MatMulInteger", ["a", "b"], ["y"])],
            "bytes",
            [helper.make_tensor_value_info("a", TensorProto.UINT8, [64, 64])],
            [helper.make_tensor_value_info("y", TensorProto.INT32, [64, 64])],
            [weights],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    product = session.run(None, {"a": np.full((64, 64), 255, dtype=np.uint8)})[0]
    return bool((product != 64 * 255 * 127).any())
