"""JSON out of what models write."""

from __future__ import annotations

import doctest
import json
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hippomem.models.parse
from hippomem.errors import ModelOutputError
from hippomem.models.parse import parse_json, without_thinking

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(st.text(), values, max_size=4)
prose = st.text(st.characters(exclude_characters="{}[]<>"), max_size=40)


@given(value=objects | st.lists(values, max_size=4), indent=st.none() | st.integers(0, 4), ascii_only=st.booleans())
def test_json_is_read_as_it_is(value: object, indent: int | None, ascii_only: bool) -> None:
    """Whatever json.dumps writes of an object or array comes back equal, indented or not."""
    assert parse_json(json.dumps(value, indent=indent, ensure_ascii=ascii_only)) == value


@given(value=objects, before=prose, after=prose, fence=st.sampled_from(["", "```", "```json"]))
def test_prose_and_fences_are_ignored(value: dict[str, object], before: str, after: str, fence: str) -> None:
    """Text without brackets on either side changes nothing."""
    closing = "```" if fence else ""
    assert parse_json(f"{before}\n{fence}\n{json.dumps(value)}\n{closing}{after}") == value


@given(text=st.text(st.sampled_from('{}[]":,\\ab1 \n`')))
def test_any_text_gives_a_value_or_a_model_output_error(text: str) -> None:
    """No input breaks the parser: an object, an array, or ModelOutputError."""
    with suppress(ModelOutputError):
        assert isinstance(parse_json(text), dict | list)


@given(
    value=st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1), min_size=3, max_size=8), data=st.data()
)
def test_a_cut_answer_keeps_what_was_whole(value: list[str], data: st.DataObject) -> None:
    """Cut anywhere after its first string, the rest of the list is a prefix of what was meant."""
    text = json.dumps({"entities": value}, ensure_ascii=False)
    first = len('{"entities": ["') + len(value[0]) + 1
    read = parse_json(text[: data.draw(st.integers(first, len(text)))])
    assert isinstance(read, dict)
    whole = read["entities"]
    assert whole[:-1] == value[: len(whole) - 1]
    assert value[len(whole) - 1].startswith(whole[-1])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1} or rather {"a": [1, 2, 3]}', {"a": [1, 2, 3]}),
        ('["a list that is rather long"] {"a": 1}', {"a": 1}),
        ('[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}]),
        ('As {see below} or [1]: {"a": 1}', {"a": 1}),
        ("{'a': 'b'}", {"a": "b"}),
        ('{"a": 1,}', {"a": 1}),
        ('{"a": [1, 2', {"a": [1, 2]}),
        ('{"t": [{"s": "x"}, {"s": "y"}, {"s": "z', {"t": [{"s": "x"}, {"s": "y"}, {"s": "z"}]}),
        ('Format: {"t": []}. Answer: {"t": [["Rome", "is in", "It', {"t": [["Rome", "is in", "It"]]}),
        ('<think>maybe {"a": "a long draft of it"}</think>{"a": 1}', {"a": 1}),
        ('{"a": "a } in a string, and \\" too"}', {"a": 'a } in a string, and " too'}),
        ("{}", {}),
    ],
)
def test_sloppy_answers_are_read_as_meant(text: str, value: object) -> None:
    """The longest object wins; quotes, commas and cuts are mended; drafts in a thought do not count."""
    assert parse_json(text) == value


@pytest.mark.parametrize("text", ["", "   ", "I do not know.", "null", "42", '"text"', "{see below}", "[" * 5000, "}{"])
def test_nothing_to_read_is_an_error_that_shows_the_answer(text: str) -> None:
    """Without an object or array the error quotes the answer, shortened."""
    with pytest.raises(ModelOutputError, match="no JSON object") as caught:
        parse_json(text)
    assert len(str(caught.value)) < 500


def test_nothing_is_evaluated() -> None:
    """A Python expression stays text."""
    read = parse_json('{"a": __import__("os").getpid()}')
    assert isinstance(read, dict)
    assert not isinstance(read.get("a"), int)


@pytest.mark.parametrize("text", ["{" * 20_000, '{"a":' * 20_000, "[]" * 20_000, '"' * 20_000, "{a} " * 10_000])
def test_hostile_answers_cost_no_time(text: str) -> None:
    """Twenty thousand brackets are dealt with in well under a second."""
    start = time.perf_counter()
    with suppress(ModelOutputError):
        parse_json(text)
    assert time.perf_counter() - start < 1


def test_the_examples_are_true() -> None:
    """The docstring's examples run."""
    assert doctest.testmod(hippomem.models.parse).failed == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<think>no</think> yes ", "yes"),
        ("<thinking>a\nb</thinking>yes<think>c</think>", "yes"),
        ("yes <think>and then", "yes"),
        ("<think>cut off", ""),
        ("I think so", "I think so"),
    ],
)
def test_without_thinking(text: str, said: str) -> None:
    """What stands in thinking tags is left out; a thought that was cut off has nothing after it."""
    assert without_thinking(text) == said
