"""The BERT encoder with 8-bit products: the same weights, rounded, and a sum of integers where fp32 adds up floats.

The steps that activations are rounded to are fixed beforehand (`Int8Ranges`), so that a token is rounded the same alone
and in any batch; sums of integers are exact in any order. What is cheap stays fp32: attention, norms, GELU, the residual.
A dense layer of y = W x + b becomes y = Σ q_j (m_j W_j) + b: the step m_j of each channel j goes into the weights before
these are rounded, each output of a layer with a step of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hippomem.models.bert_onnx import ONES, ZEROS, BertShape, embed_tokens, put_norm_constants
from hippomem.models.onnx_graph import GraphBuilder, OnnxGraph

#: Zero of what has two signs, and the steps on each side of it.
MIDDLE, STEPS = 128, 127
Indexes = slice | NDArray[np.int64]

#: GELU is nowhere less.
GELU_MINIMUM = -0.17
#: A channel that keeps small is rounded to no finer steps than this share of its layer's largest: the zero of a layer's
#: channels is one number of steps, and must reach down to GELU's minimum.
FINEST = 0.1
#: Copies of feed-forward channels a layer: one more register of outputs costs 1 % of the layer's time.
COPIES = 16
#: Ranges are written as powers of this number, one letter each, rounded up: "a" is its power -4, "b" -3.
GRID, LETTERS = 2**0.5, "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Int8Ranges:
    """How large activations are taken to be; what is larger is cut.

    norms (2 · layers, hidden): what each dense layer reads after a norm, before gain and shift, in either direction.
    contexts (layers,): what attention hands on, in either direction.    actives (layers, inner): GELU, upwards.
    """

    norms: NDArray[np.float32]
    contexts: NDArray[np.float32]
    actives: NDArray[np.float32]

    def dump(self) -> str:
        """As JSON: a row of letters for each row."""
        rows = {name: _letters(getattr(self, name)) for name in ("norms", "contexts", "actives")}
        return json.dumps(rows, indent=1) + "\n"

    @classmethod
    def load(cls, path: Path) -> Int8Ranges:
        """From what ``dump`` wrote. Raises OSError, ValueError."""
        rows = json.loads(path.read_text("ascii"))
        return cls(_numbers(rows["norms"]), _numbers(rows["contexts"])[0], _numbers(rows["actives"]))


def _letters(values: NDArray[np.float32]) -> list[str]:
    # A hair less, so that what lies on the grid but for its last bit stays there.
    powers = np.ceil(np.log(np.maximum(np.atleast_2d(values), 0.25)) / np.log(GRID) - 1e-4).astype(int) + 4
    return ["".join(LETTERS[power] for power in row) for row in powers]


def _numbers(rows: Iterable[str]) -> NDArray[np.float32]:
    return np.array([[GRID ** (LETTERS.index(letter) - 4) for letter in row] for row in rows], dtype=np.float32)


def build_bert_int8(weights: Mapping[str, NDArray[np.float32]], shape: BertShape, ranges: Int8Ranges) -> OnnxGraph:
    """The encoder as a graph; inputs, output and errors as in `build_bert`."""
    build = GraphBuilder(weights)
    build.number("one", 1.0)
    build.number("middle", MIDDLE, np.uint8)
    put_norm_constants(build)
    ones, zeros = np.ones(shape.hidden, np.float32), np.zeros(shape.hidden, np.float32)
    unit = embed_tokens(build, [build.put("plain/gain", ones), build.put("plain/shift", zeros)], shape.epsilon)
    normed = _Normed(build, unit, "embeddings.LayerNorm")
    for layer in range(shape.layers):
        at = f"encoder.layer.{layer}"
        entry = normed.quantised(ranges.norms[2 * layer])
        heads = [entry.dense(build, f"{at}.attention.self.{part}") for part in ("query", "key", "value")]
        context = build.op("MultiHeadAttention", heads, f"{at}/context", num_heads=shape.heads)
        entry = _by_one_step(build, context, float(ranges.contexts[layer]))
        added = entry.dense(build, f"{at}.attention.output.dense")
        normed = normed.after(added, f"{at}.attention.output", shape.epsilon)
        parts = _shares(build, f"{at}.output.dense", ranges.actives[layer])
        copies = np.repeat(np.arange(len(parts)), parts)
        entry = normed.quantised(ranges.norms[2 * layer + 1])
        inner = entry.dense(build, f"{at}.intermediate.dense", outputs=copies)
        # GELU by tanh: at most 0.0005 off, a tenth of a step, in two thirds of the time.
        active = build.op("FastGelu", [inner], f"{at}/active")
        entry = _active(build, active, ranges.actives[layer][copies])
        added = entry.dense(build, f"{at}.output.dense", inputs=copies, shares=parts[copies])
        normed = normed.after(added, f"{at}.output", shape.epsilon)
    return build.finish(normed.hidden, shape.hidden)


_ALL: Indexes = slice(None)
_ONE = np.ones(1, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class _Rounded:
    """Activations in 8 bits: x_j = shift_j + gain_j · (q_j - zero).    name, zero: of q and of its zero in the graph."""

    name: str
    zero: str
    gain: NDArray[np.float32]
    shift: NDArray[np.float32] | None = None

    def dense(
        self,
        build: GraphBuilder,
        prefix: str,
        *,
        outputs: Indexes = _ALL,
        inputs: Indexes = _ALL,
        shares: NDArray[np.int64] = _ONE,
    ) -> str:
        """W x + b, in fp32.

        outputs: which to compute, in order.    inputs: which channel each of x is.    shares: how many of x are that one.
        """
        weight = build.value(f"{prefix}.weight").T[inputs][:, outputs] / shares[:, None].astype(np.float32)
        bias = build.value(f"{prefix}.bias")[outputs]
        if self.shift is not None:
            bias = (bias + self.shift.astype(np.float64) @ weight).astype(np.float32)
        scaled = self.gain[:, None] * weight
        step = np.maximum(np.abs(scaled).max(axis=0) / STEPS, np.float32(1e-30)).astype(np.float32)
        rounded = build.put(f"{prefix}.weight/int8", np.rint(scaled / step).astype(np.int8))
        steps = build.put(f"{prefix}.weight/step", step)
        operands = [self.name, rounded, "one", steps, self.zero, "", build.put(f"{prefix}.bias", bias)]
        return build.op("MatMulIntegerToFloat", operands, f"{prefix}/out")


class _Normed:
    """The output of a layer norm: ``unit``, normalised, and ``hidden``, with gain and shift."""

    def __init__(self, build: GraphBuilder, unit: str, prefix: str) -> None:
        self.build, self.unit, self.prefix = build, unit, prefix
        gain, shift = build.norm(prefix)
        scaled = build.op("Mul", [unit, gain], f"{prefix}/gain", domain="")
        self.hidden = build.op("Add", [scaled, shift], f"{prefix}/norm", domain="")

    def quantised(self, ranges: NDArray[np.float32]) -> _Rounded:
        """Rounded before gain and shift, which go into the next layer's weights and bias: that saves an addition."""
        per_unit = self.build.put(f"{self.prefix}/steps", (STEPS / ranges).astype(np.float32))
        steps = self.build.op("Mul", [self.unit, per_unit], f"{self.prefix}/scaled", domain="")
        name = self.build.op("QuantizeLinear", [steps, "one", "middle"], f"{self.prefix}/int8", domain="")
        gain = self.build.value(f"{self.prefix}.weight") * ranges / STEPS
        return _Rounded(name, "middle", gain.astype(np.float32), self.build.value(f"{self.prefix}.bias"))

    def after(self, added: str, prefix: str, epsilon: float) -> _Normed:
        """The norm of ``added`` and the residual."""
        total = self.build.op("Add", [added, self.hidden], f"{prefix}/total", domain="")
        inputs = [total, ONES, ZEROS]
        unit = self.build.op("InstanceNormalization", inputs, f"{prefix}/unit", domain="", epsilon=epsilon)
        return _Normed(self.build, unit, f"{prefix}.LayerNorm")


def _by_one_step(build: GraphBuilder, source: str, largest: float) -> _Rounded:
    """Rounded to the same steps in every channel."""
    step = build.number(f"{source}/step", largest / STEPS)
    name = build.op("QuantizeLinear", [source, step, "middle"], f"{source}/int8", domain="")
    size = build.value(source.replace("/context", ".attention.output.dense.weight")).shape[1]
    return _Rounded(name, "middle", np.full(size, largest / STEPS, dtype=np.float32))


def _active(build: GraphBuilder, source: str, largest: NDArray[np.float32]) -> _Rounded:
    """The output of GELU, which has nearly no negative side, rounded to steps of each channel's own."""
    largest = _at_least(largest)
    zero = int(np.ceil(-GELU_MINIMUM * 255 / (largest.min() - GELU_MINIMUM)))
    step = (largest / (255 - zero)).astype(np.float32)
    steps = build.op("Mul", [source, build.put(f"{source}/steps", 1 / step)], f"{source}/scaled", domain="")
    at = build.number(f"{source}/zero", zero, np.uint8)
    return _Rounded(build.op("QuantizeLinear", [steps, "one", at], f"{source}/int8", domain=""), at, step)


def _at_least(largest: NDArray[np.float32]) -> NDArray[np.float32]:
    finest: NDArray[np.float32] = np.maximum(largest, np.float32(FINEST) * largest.max())
    return finest


def _shares(build: GraphBuilder, prefix: str, largest: NDArray[np.float32]) -> NDArray[np.int64]:
    """Into how many channels each is split (Zhao et al. 2019), `COPIES` more together: (inner,).

    A few channels reach ten times as far as the rest. Their weights, times their steps, would set the rounding of whole
    outputs; two channels of half the weight say the same. Next is the one whose split narrows the outputs most.
    """
    reach = np.abs(_at_least(largest)[:, None] * build.value(f"{prefix}.weight").T)
    far = np.argsort(-reach.max(axis=1), kind="stable")[: 4 * COPIES]
    rest = np.delete(reach, far, axis=0).max(axis=0, initial=0)
    candidates, parts = reach[far], np.ones(len(reach), dtype=np.int64)
    everywhere = np.arange(reach.shape[1])
    for _ in range(COPIES):
        now = candidates / parts[far][:, None]
        first = now.argmax(axis=0)
        widest = now[first, everywhere]
        now[first, everywhere] *= parts[far][first] / (parts[far][first] + 1)
        narrowed = np.maximum(now.max(axis=0), rest)
        gain = np.bincount(first, np.maximum(widest, rest) ** 2 - narrowed**2, minlength=len(far))
        parts[far[gain.argmax()]] += 1
    return parts
