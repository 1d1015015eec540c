"""Ids that follow from content: the same content has the same id on every machine and in every run."""

from __future__ import annotations

import hashlib

_SEPARATOR = "\x1f"


def digest(*parts: str) -> str:
    """128 bits of SHA-256 over the parts, in hex; the parts cannot run into each other."""
    joined = _SEPARATOR.join(f"{len(part)}{_SEPARATOR}{part}" for part in parts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def content_id(title: str, text: str, occurred_at: str | None) -> str:
    """What makes two documents of one namespace the same memory: title, text and time."""
    return digest("content", title, text, occurred_at or "")


def memory_id(namespace: str, content: str, copy: int = 0) -> str:
    """The id a new memory gets. copy: counts up when an updated memory still holds the plain id."""
    return "m-" + digest("memory", namespace, content, *([str(copy)] if copy else []))[:24]


def passage_id(content: str, ordinal: int) -> str:
    """The id of the passage *ordinal* (from 0) of a memory with that content."""
    return "p-" + digest("passage", content, str(ordinal))[:24]


def fact_id(kind: str, *parts: str) -> str:
    """The id of a fact: for a sentence (title, sentence), for a triple its folded (subject, predicate, object)."""
    return "f-" + digest("fact", kind, *parts)[:24]


def entity_id(key: str) -> str:
    """The id of the entity with that key."""
    return "e-" + digest("entity", key)[:24]
