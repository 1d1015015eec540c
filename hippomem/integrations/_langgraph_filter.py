"""LangGraph's filters and namespace patterns, as it means them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hippomem.errors import InputError
from hippomem.integrations._langgraph_item import ROOT, is_short


def under(prefix: Sequence[str], filter: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The metadata filter for the items of all namespaces that begin with *prefix*.

    Of *filter* it takes what both sides mean alike, equality of short texts; `passes` decides about the rest.
    """
    # '["users"' opens '["users"]' and '["users", "anna"]', and not '["users2"]'.
    wanted: dict[str, Any] = {f"{ROOT}.namespace": {"prefix": json.dumps(list(prefix))[:-1]}}
    for name, text in (filter or {}).items():
        if name and is_short(name, text):
            wanted[f"{ROOT}.texts.{name}"] = {"eq": text}
    return wanted


def passes(value: Mapping[str, Any], filter: Mapping[str, Any] | None) -> bool:
    """Whether a value has, under each key of the filter, that JSON value, or what {"$gt": 3} and the like ask for."""
    return all(_matches(value.get(key), wanted) for key, wanted in (filter or {}).items())


def _matches(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        if any(key.startswith("$") for key in wanted):
            return all(_compares(value, operator, operand) for operator, operand in wanted.items())
        return isinstance(value, Mapping) and all(_matches(value.get(key), inner) for key, inner in wanted.items())
    if isinstance(wanted, list | tuple):
        return isinstance(value, list) and len(value) == len(wanted) and all(map(_matches, value, wanted))
    return bool(value == wanted)


def _compares(value: Any, operator: str, operand: Any) -> bool:
    if operator == "$eq":
        return bool(value == operand)
    if operator == "$ne":
        return bool(value != operand)
    if operator not in ("$gt", "$gte", "$lt", "$lte"):
        raise InputError(f"there is no filter operator '{operator}'; there are $eq, $ne, $gt, $gte, $lt and $lte.")
    left, right = _comparable(value, operand)
    if left is None:  # what is not there, or is of another kind, is neither more nor less
        return False
    return bool({"$gt": left > right, "$gte": left >= right, "$lt": left < right, "$lte": left <= right}[operator])


def _comparable(value: Any, operand: Any) -> tuple[Any, Any]:
    """Both as numbers where the operand can be one, else as texts; the first is None when the value is of another kind."""
    try:
        right = float(operand)
    except (TypeError, ValueError) as error:
        if isinstance(operand, str):
            return (value if isinstance(value, str) else None), operand
        raise InputError(f"{operand!r} cannot be compared with more or less; give a number or a text.") from error
    try:
        return float(value), right
    except (TypeError, ValueError):
        return None, right


def fits(namespace: Sequence[str], match_type: str, path: Sequence[str]) -> bool:
    """Whether a namespace begins ("prefix") or ends ("suffix") with a path, in which "*" stands for any one label."""
    if match_type not in ("prefix", "suffix"):
        raise InputError(f"there is no match type '{match_type}'; there are prefix and suffix.")
    if len(path) > len(namespace):
        return False
    part = namespace[: len(path)] if match_type == "prefix" else namespace[len(namespace) - len(path) :]
    return all(wanted in ("*", label) for label, wanted in zip(part, path, strict=True))
