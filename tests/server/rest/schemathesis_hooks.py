"""Loaded by schemathesis: requests that fit the description go where something is, or most would end with 404."""

from __future__ import annotations

import random
from typing import Any

import schemathesis
from schemathesis import GenerationMode


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Name the namespace and, half of the time, a memory that are there."""
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    if isinstance(case.body, dict) and "namespace" in case.body:
        case.body["namespace"] = "default"
    if case.query and "namespace" in case.query:
        case.query["namespace"] = "default"
    if case.path_parameters and "memory_id" in case.path_parameters and random.random() < 0.5:
        case.path_parameters["memory_id"] = "m-5f0c7b6a1d2e3f4a5b6c7d8e"  # the id of the examples
