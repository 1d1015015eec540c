"""Which memories a call is about, as SQL over ``memories m`` and ``sources s``: it is applied before anything is ranked."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from hippomem.errors import InputError
from hippomem.text.dates import last_moment, moment, require_date
from hippomem.types import Kind, Where

#: What a memory counts as in time: when it happened, or when it was last handed in from there.
TIME = "coalesce(m.happened, s.recorded)"
#: Conditions on metadata in one filter: SQLite parses about ten times as many.
_CONDITIONS = 100
_COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_OPERATORS = ("eq", "ne", *_COMPARISONS, "in", "prefix")
_COLUMNS = {"user": "user_id", "agent": "agent_id", "session": "session_id", "speaker": "speaker", "kind": "kind"}


@dataclass(frozen=True)
class Filter:
    """A checked `Where`. sql: conditions, all of which one source must meet.    as_of: in seconds since 1970."""

    sql: tuple[str, ...] = ()
    values: tuple[Any, ...] = ()
    as_of: float | None = None

    @classmethod
    def of(cls, where: Where) -> Filter:
        """Raises InputError for what no memory can meet: an unknown field or operator, a wrong type, no date."""
        sql: list[str] = []
        values: list[Any] = []
        as_of = None
        for name, value in sorted(where.items()):
            if value is None:
                continue
            if name in _COLUMNS:
                sql.append(f"s.{_COLUMNS[name]} = ?")
                values.append(_name(name, value))
            elif name == "since":
                sql.append(f"{TIME} >= ?")
                values.append(moment(_date(name, value)))
            elif name in ("until", "as_of"):
                latest = last_moment(_date(name, value))
                sql.append(f"{TIME} <= ?")
                values.append(latest)
                as_of = latest if name == "as_of" else as_of
            elif name == "metadata":
                for condition, bound in _metadata(value):
                    sql.append(condition)
                    values += bound
            else:
                known = ", ".join([*_COLUMNS, "since", "until", "as_of", "metadata"])
                raise InputError(f"there is no filter '{name}'; filter by {known}.")
        return cls(tuple(sql), tuple(values), as_of)

    @property
    def is_open(self) -> bool:
        """Whether it lets everything pass."""
        return not self.sql

    def conditions(self, now: float) -> tuple[str, list[Any]]:
        """A condition over ``memories m`` and ``sources s``, and what is bound to it. now: what has expired is left out."""
        return " AND ".join(["(m.expires IS NULL OR m.expires > ?)", *self.sql]), [now, *self.values]


OPEN = Filter()


def anything_expired(db: sqlite3.Connection, namespace_key: int, now: float) -> bool:
    """Whether a memory of the namespace is there that should be forgotten by now."""
    sql = "SELECT 1 FROM memories WHERE namespace_key = ? AND expires IS NOT NULL AND expires <= ? LIMIT 1"
    return db.execute(sql, (namespace_key, now)).fetchone() is not None


def expired(db: sqlite3.Connection, namespace_key: int, now: float) -> list[int]:
    """Rows of the memories that should be forgotten by now."""
    sql = "SELECT memory_key FROM memories WHERE namespace_key = ? AND expires IS NOT NULL AND expires <= ?"
    return [row[0] for row in db.execute(sql, (namespace_key, now))]


def passages(db: sqlite3.Connection, namespace_key: int, allowed: Filter, now: float) -> list[int]:
    """Rows of the passages whose memory passes, ascending."""
    condition, values = allowed.conditions(now)
    sql = (
        "SELECT DISTINCT p.passage_key FROM sources s JOIN memories m USING (memory_key) JOIN passages p USING (memory_key)"
        f" WHERE m.namespace_key = ? AND {condition} ORDER BY 1"
    )
    return [row[0] for row in db.execute(sql, (namespace_key, *values))]


def memories(
    db: sqlite3.Connection,
    namespace_key: int,
    allowed: Filter,
    now: float,
    *,
    newest_first: bool = False,
    after: int | None = None,
    limit: int | None = None,
) -> list[int]:
    """Rows of the memories that pass: by memory_id, or the newest first. after: behind this one.    limit: at most."""
    condition, values = allowed.conditions(now)
    sql = (
        f"SELECT m.memory_key, m.memory_id, max({TIME}) AS at FROM memories m JOIN sources s USING (memory_key)"
        f" WHERE m.namespace_key = ? AND {condition} GROUP BY m.memory_key"
    )
    bound: list[Any] = [namespace_key, *values]
    if after is not None:
        memory_id, at = db.execute(
            f"SELECT m.memory_id, max({TIME}) FROM memories m JOIN sources s USING (memory_key) WHERE m.memory_key = ?",
            (after,),
        ).fetchone()
        sql += " HAVING at < ? OR (at = ? AND m.memory_id > ?)" if newest_first else " HAVING m.memory_id > ?"
        bound += [at, at, memory_id] if newest_first else [memory_id]
    sql += " ORDER BY at DESC, m.memory_id" if newest_first else " ORDER BY m.memory_id"
    return [row[0] for row in db.execute(f"{sql} LIMIT ?", (*bound, -1 if limit is None else limit))]


def count(db: sqlite3.Connection, namespace_key: int, allowed: Filter, now: float) -> int:
    """How many memories pass."""
    condition, values = allowed.conditions(now)
    sql = (
        "SELECT count(DISTINCT m.memory_key) FROM memories m JOIN sources s USING (memory_key)"
        f" WHERE m.namespace_key = ? AND {condition}"
    )
    return int(db.execute(sql, (namespace_key, *values)).fetchone()[0])


def sources(db: sqlite3.Connection, namespace_key: int, allowed: Filter, now: float) -> dict[int, list[int]]:
    """Row of a memory → rows of its sources that pass."""
    condition, values = allowed.conditions(now)
    sql = (
        "SELECT m.memory_key, s.source_key FROM memories m JOIN sources s USING (memory_key)"
        f" WHERE m.namespace_key = ? AND {condition} ORDER BY 1, 2"
    )
    found: dict[int, list[int]] = {}
    for memory_key, source_key in db.execute(sql, (namespace_key, *values)):
        found.setdefault(memory_key, []).append(source_key)
    return found


# -- metadata ---------------------------------------------------------------------------------------------------------


def _metadata(wanted: object) -> list[tuple[str, list[Any]]]:
    """Conditions, each with what is bound to it."""
    if not isinstance(wanted, Mapping):
        raise InputError(f"the filter 'metadata' is a {type(wanted).__name__}; give an object of names and values.")
    made = []
    for name, condition in wanted.items():
        path = _path(name)
        operators = condition if _is_condition(condition) else {"eq": condition}
        for operator, operand in operators.items():
            made.append(_compare(name, path, operator.removeprefix("$"), operand))
    if len(made) > _CONDITIONS:
        raise InputError(f"the filter has {len(made)} conditions on metadata; give at most {_CONDITIONS}.")
    return made


def _is_condition(condition: object) -> bool:
    return (
        isinstance(condition, Mapping)
        and bool(condition)
        and all(isinstance(key, str) and key.removeprefix("$") in _OPERATORS for key in condition)
    )


def _path(name: object) -> str:
    """The JSON path of a name; the whole name if there is such a one, else into objects at its dots."""
    if not isinstance(name, str) or not name or '"' in name or "\\" in name or not _is_text(name):
        raise InputError(f"metadata cannot be filtered by {name!r}; a name is a text without quotes and backslashes.")
    return name


def _compare(name: str, path: str, operator: str, operand: Any) -> tuple[str, list[Any]]:
    if operator == "ne":
        condition, bound = _compare(name, path, "eq", operand)
        return f"NOT ({condition})", bound
    if operator == "in":
        if isinstance(operand, str) or not isinstance(operand, Sequence):
            raise InputError(f"the filter on metadata '{name}' needs a list of values after 'in', not {operand!r}.")
        return _any_of(name, path, operand)
    paths = _paths(path)
    if isinstance(operand, Mapping | list | tuple) and operator == "eq":
        whole = _json(name, operand)
        sql = " OR ".join("json_extract(s.metadata, ?) = json(?)" for _ in paths)
        return f"coalesce({sql}, 0)", [value for each in paths for value in (each, whole)]
    return _some_value(paths, *_test(name, operator, operand))


def _paths(name: str) -> list[str]:
    """The JSON paths of a name: the whole name, and into objects at its dots."""
    nested = '"."'.join(name.split("."))
    return [f'$."{name}"'] + ([f'$."{nested}"'] if "." in name and all(name.split(".")) else [])


def _some_value(paths: Sequence[str], test: str, bound: Sequence[Any]) -> tuple[str, list[Any]]:
    """That a value at one of the paths, or an element of a list there, passes a test."""
    sql = " OR ".join(
        f"EXISTS (SELECT 1 FROM json_each(s.metadata, ?) e WHERE {test} AND json_type(s.metadata, ?) <> 'object')"
        for _ in paths
    )
    return f"({sql})", [value for each in paths for value in (each, *bound, each)]


def _any_of(name: str, path: str, operand: Sequence[Any]) -> tuple[str, list[Any]]:
    """That it equals one of the values. However many there are, they are one bound list a type."""
    paths, numbers, texts, others = _paths(path), [], [], []
    for value in operand:
        _, bound = _compare(name, path, "eq", value)  # checks it
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            numbers.append(bound[1])
        else:
            others.append(value)
    if len(others) > _CONDITIONS:
        raise InputError(f"the filter on metadata '{name}' has more than {_CONDITIONS} lists and objects after 'in'.")
    conditions = [_compare(name, path, "eq", value) for value in others]
    for types, values in (("'integer', 'real'", numbers), ("'text'", texts)):
        if values:
            test = f"e.type IN ({types}) AND e.value IN (SELECT value FROM json_each(?))"
            conditions.append(_some_value(paths, test, [_json(name, values)]))
    if not conditions:
        return "0", []
    return f"({' OR '.join(sql for sql, _ in conditions)})", [value for _, bound in conditions for value in bound]


def _test(name: str, operator: str, operand: Any) -> tuple[str, list[Any]]:
    """A condition over one JSON value ``e``."""
    if operator == "prefix":
        if not isinstance(operand, str) or not _is_text(operand):
            raise InputError(f"the filter on metadata '{name}' needs a text after 'prefix', not {operand!r}.")
        return "e.type = 'text' AND substr(e.value, 1, ?) = ?", [len(operand), operand]
    sign = _COMPARISONS.get(operator, "=")
    if isinstance(operand, str) and _is_text(operand):
        return f"e.type = 'text' AND e.value {sign} ?", [operand]
    if isinstance(operand, int | float) and not isinstance(operand, bool) and math.isfinite(operand):
        return f"e.type IN ('integer', 'real') AND e.value {sign} ?", [
            operand if abs(operand) < 2**63 else float(operand)
        ]
    if operator == "eq" and (operand is None or isinstance(operand, bool)):
        return "e.type = ?", [{None: "null", True: "true", False: "false"}[operand]]
    raise InputError(f"the filter on metadata '{name}' cannot compare by '{operator}' with {operand!r}.")


def _json(name: str, value: object) -> str:
    try:
        text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"the filter on metadata '{name}' compares with what is no JSON ({error}).") from error
    if not _is_text(text):
        raise InputError(f"the filter on metadata '{name}' compares with a text that is not valid Unicode.")
    return text


# -- checks -----------------------------------------------------------------------------------------------------------


def _name(field: str, value: object) -> str:
    if not isinstance(value, str) or not _is_text(value):
        raise InputError(f"the filter '{field}' is {value!r}; give a text.")
    if field == "kind" and value not in get_args(Kind):
        raise InputError(f"the filter 'kind' is '{value}'; choose one of {', '.join(get_args(Kind))}.")
    return value


def _date(field: str, value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if not isinstance(value, str):
        raise InputError(f"the filter '{field}' is {value!r}; give a date, as 2026-11-21 or 2026-11-21T18:30.")
    return require_date(value)


def _is_text(value: str) -> bool:
    """Whether SQLite can be given it: no lone surrogate, no NUL."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\x00" not in value
