"""Bodies are read strictly: plain JSON as it is, and nothing that two readers could read differently."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippomem.errors import InputError
from hippomem.server.strict import DEPTH, LARGEST, read_json

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-LARGEST, LARGEST)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(PLAIN, st.booleans())
def test_plain_json_is_read_as_it_is(value: object, escaped: bool) -> None:
    """What is no trouble comes through unchanged, escaped or not."""
    assert read_json(json.dumps(value, ensure_ascii=escaped).encode()) == value


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """Nothing but InputError is raised, whatever comes in."""
    with suppress(InputError):
        read_json(body)


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b'{"a": 1} x', "no JSON"),
        (b"\xff\xfe", "UTF-8 at byte 0"),
        (b"\xef\xbb\xbf{}", "no JSON"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1e400}', "too large"),
        (b'{"a": 9223372036854775808}', "64 bits"),
        (b'{"a": ' + b"9" * 5000 + b"}", "64 bits"),
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', '"c" twice'),
        (b'{"a": "x\\u0000"}', "NUL"),
        (b'{"a\\u0000": 1}', "NUL"),
        (b'{"a": "x\\ud800y"}', "surrogate"),
        (b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1), "deeper"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "deeper"),
    ],
)
def test_what_is_refused(body: bytes, word: str) -> None:
    """Each kind of trouble is named in the message."""
    with pytest.raises(InputError, match=word):
        read_json(body)
