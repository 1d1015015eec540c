"""Chats as memories: roles, turns, times."""

from __future__ import annotations

from typing import Any

import pytest

from hippomem import Memory
from hippomem.errors import EmptyTextError, InputError


def turns(memory: Memory, session: str) -> list[tuple[int | None, str | None, str]]:
    found = [(r.sources[0].position, r.sources[0].speaker, r.text) for r in memory.list(session=session)]
    return sorted(found, key=lambda turn: turn[0] or 0)


def test_users_and_assistants_are_remembered_as_consecutive_turns(memory: Memory) -> None:
    """Instructions and tool output are nobody's memories; a second call goes on where the first ended."""
    first = memory.add(
        [
            {"role": "system", "content": "You are a pirate."},
            {"role": "user", "content": "I moved to Oslo.", "name": "Ada"},
            {"role": "tool", "content": "{}"},
            {
                "role": "assistant",
                "content": [{"type": "text", "text": "Nice!"}, {"type": "image_url", "image_url": {}}],
            },
            {"role": "assistant", "content": None, "tool_calls": []},
        ],
        session="s1",
        user="u1",
        agent="helper",
    )
    second = memory.add([{"role": "user", "content": "It rains here."}], session="s1", user="u1")
    assert len(first) == 2
    assert len(second) == 1
    assert turns(memory, "s1") == [(0, "Ada", "I moved to Oslo."), (1, "helper", "Nice!"), (2, "u1", "It rains here.")]
    record = memory.get(first[0])
    assert record.sources[0].kind == "episodic"
    assert record.title == "Ada"
    assert memory.count(user="u1") == 3


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"timestamp": "2026-05-01T10:00"}, "2026-05-01T10:00:00"),
        ({"created_at": 1_767_225_600}, "2026-01-01T00:00:00+00:00"),
        ({"date": "1:56 pm on 8 May, 2023"}, "2023-05-08T13:56:00"),
        ({}, None),
    ],
)
def test_a_message_carries_its_time(memory: Memory, message: dict[str, Any], expected: str | None) -> None:
    (memory_id,) = memory.add([{"role": "user", "content": "It rains.", **message}])
    assert memory.get(memory_id).occurred_at == expected


def test_a_text_that_opens_with_its_time_is_dated(memory: Memory) -> None:
    """A time that is given goes before it, and a date in running text dates nothing."""
    assert memory.get(memory.add("[2026-11-21 18:30] The ferry was late.")).occurred_at == "2026-11-21T18:30:00"
    given = memory.add("[2026-11-21 18:30] The ferry was late.", occurred_at="2026-11-22")
    assert memory.get(given).occurred_at == "2026-11-22"
    assert memory.get(memory.add("The ferry of 21 November 2026 was late.")).occurred_at is None


@pytest.mark.parametrize(
    "messages",
    [
        ["text"],
        [{"role": "king", "content": "x"}],
        [{"role": "user", "content": 5}],
        [{"role": "user", "content": ["x"]}],
        [{"role": "user", "content": "x", "name": 5}],
        [{"role": "user", "content": "x", "date": "no day"}],
        [{"role": "user", "content": "x", "timestamp": 1e30}],
        [{"role": "user", "content": "x"}, {"role": "user", "content": "nul \x00"}],
    ],
)
def test_a_message_that_cannot_be_used_stores_none_of_them(memory: Memory, messages: Any) -> None:
    with pytest.raises(InputError):
        memory.add([{"role": "user", "content": "The first is fine."}, *messages], session="s")
    assert memory.count() == 0


def test_a_text_without_anything_is_refused(memory: Memory) -> None:
    with pytest.raises(EmptyTextError):
        memory.add(" ")
    assert memory.add([]) == ()


def test_what_cannot_be_told_is_refused(memory: Memory) -> None:
    """A mistyped name must not be passed over."""
    with pytest.raises(TypeError, match="sesion"):
        memory.add("Something.", sesion="s")  # type: ignore[call-overload]
    assert memory.count() == 0
