"""What the adapters share: a missing framework said in words, a hit as flat metadata, filters that only narrow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from hippomem.errors import ConfigError, InputError
from hippomem.types import Hit, Where


def missing(framework: str, extra: str) -> ConfigError:
    """The error for an adapter whose framework is not installed."""
    return ConfigError(f'this adapter needs {framework}, which is not installed; run: pip install "hippomem[{extra}]"')


def hit_metadata(hit: Hit) -> dict[str, Any]:
    """What is known of a hit beside its text, in plain JSON types.

    The metadata that the memory was stored with (of its first source), and over it the fields of `Hit`: memory_id, title,
    score, rank, occurred_at, recorded_at, source_ids, sources, superseded_by and why.
    """
    fields = hit.to_dict()
    del fields["text"], fields["passage_id"]
    stored = dict(hit.sources[0].metadata) if hit.sources else {}
    # Frameworks write metadata as JSON and compare what they read again: tuples must be lists from the start.
    plain: dict[str, Any] = json.loads(json.dumps({**stored, **fields}))
    return plain


def narrowed(own: Mapping[str, Any], more: Mapping[str, Any] | None) -> Where:
    """Both filters at once. Raises InputError where *more* contradicts *own*: no call widens a retriever."""
    both = dict(own)
    for name, value in (more or {}).items():
        if name == "metadata" and name in both:
            both[name] = narrowed(both[name], value)
        elif both.setdefault(name, value) != value:
            raise InputError(
                f"this retriever is bound to {name}={both[name]!r}, and the call asks for {value!r}; "
                "leave it out of the call, or use another retriever."
            )
    return cast(Where, both)
