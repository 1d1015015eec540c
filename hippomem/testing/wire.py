"""The bodies of OpenAI's API: what a server answers, whatever carries it."""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hippomem.models.embedder import Embedder

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent: a JSON body, or text or bytes as they are."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


def error_body(message: str, *, code: str | None = None) -> Json:
    """The body of every error."""
    return {"error": {"message": message, "type": "loopback", "param": None, "code": code}}


def models_body(names: Sequence[str]) -> Json:
    """``GET /v1/models``."""
    data = [{"id": name, "object": "model", "created": 0, "owned_by": "loopback"} for name in names]
    return {"object": "list", "data": data}


def chat_body(model: str, text: str | None, prompt_tokens: int, completion_tokens: int) -> Json:
    """``POST /v1/chat/completions`` with one choice. text: None for an answer without text."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {
        "id": "chatcmpl-loopback",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [choice],
        "usage": usage(prompt_tokens, completion_tokens),
    }


def embed(body: Json, embedder: Embedder) -> Reply:
    """``POST /v1/embeddings``: texts as floats or base64, cut to ``dimensions`` if asked."""
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    if not texts or not all(texts):
        return Reply(400, error_body("input cannot be an empty string"))
    vectors = embedder.embed(texts)
    if body.get("dimensions"):
        vectors = vectors[:, : body["dimensions"]]
    as_base64 = body.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _base64(vector) if as_base64 else vector.tolist()}
        for index, vector in enumerate(vectors)
    ]
    spent = usage(sum(map(count_words, texts)), 0)
    return Reply(200, {"object": "list", "data": data, "model": body["model"], "usage": spent})


def usage(prompt: int, completion: int) -> Json:
    """Tokens, as every answer tells them."""
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def count_words(text: str) -> int:
    """Words stand for tokens."""
    return len(text.split())


def _base64(vector: Any) -> str:
    return base64.b64encode(np.asarray(vector, dtype="<f4").tobytes()).decode()
