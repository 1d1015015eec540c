"""Measures how large the encoder's activations get on given texts: what ``minilm_int8.json`` was made with.

python -m hippomem.models.int8_calibrate data/calibration.txt > hippomem/models/minilm_int8.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hippomem.models.bert_int8 import Int8Ranges
from hippomem.models.bert_onnx import BertEncoder, BertShape, build_bert

#: Kept free above what was seen, for texts unlike those.
HEADROOM = 1.2
#: A normalised channel keeps room for so many standard deviations at least: a rare word may use one that was quiet.
NORM_AT_LEAST = 5.0
#: The same for GELU.
ACTIVE_AT_LEAST = 1.0


def observe(
    weights: Mapping[str, NDArray[np.float32]], shape: BertShape, texts: Iterable[NDArray[np.int32]]
) -> Int8Ranges:
    """The ranges of the fp32 encoder over texts, with headroom.    texts: token ids (length,) of each."""
    norms, contexts, actives = [], [], []
    before = "embeddings.LayerNorm", "embedded"
    for layer in range(shape.layers):
        at = f"encoder.layer.{layer}"
        inside = f"{at}.attention.output.LayerNorm", f"{at}.attention.output/norm"
        norms += [before, inside]
        contexts.append(f"{at}/context")
        actives.append(f"{at}/active")
        before = f"{at}.output.LayerNorm", f"{at}.output/norm"
    names = [*(name for _, name in norms), *contexts, *actives]
    encoder = BertEncoder(build_bert(weights, shape, shown=names))
    largest: dict[str, NDArray[np.float32]] = {}
    for ids in texts:
        for name, seen in zip(names, encoder.run(names, ids[None]), strict=True):
            for prefix, normed in norms:
                if normed == name:
                    seen = (seen - weights[f"{prefix}.bias"]) / weights[f"{prefix}.weight"]
            most = (seen[0] if name in actives else np.abs(seen[0])).max(axis=0)
            largest[name] = np.maximum(largest.get(name, most), most)
    # A channel of a normalised vector cannot be more than the root of their number.
    limit = float(shape.hidden) ** 0.5
    return Int8Ranges(
        norms=np.stack([np.clip(largest[name] * HEADROOM, NORM_AT_LEAST, limit) for _, name in norms]),
        contexts=np.array([largest[name].max() * HEADROOM for name in contexts], dtype=np.float32),
        actives=np.stack([np.maximum(largest[name] * HEADROOM, ACTIVE_AT_LEAST) for name in actives]),
    )


def main(path: Path) -> None:
    """Print the ranges over the lines of the file at *path*."""
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    from hippomem.models.minilm import TOKEN_LIMIT
    from hippomem.models.minilm_files import package_folder

    folder = package_folder()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(TOKEN_LIMIT)
    texts = [np.array(tokenizer.encode(text).ids, dtype=np.int32) for text in path.read_text("utf-8").splitlines()]
    shape = BertShape.from_config(json.loads((folder / "config.json").read_text("utf-8")))
    sys.stdout.write(observe(load_file(folder / "model.safetensors"), shape, texts).dump())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
