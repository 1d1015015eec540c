"""How passages become calls: groups, words, schemas, versions, estimates."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippomem.errors import ConfigError
from indexing.extract import PassageText
from indexing.extract.llm import Scheme
from indexing.extract.llm.scheme import CALL_CHARACTERS, SHORT_CHARACTERS


def passage(number: int, text: str = "Orrin is a lake.") -> PassageText:
    return PassageText(f"p{number}", f"Title {number}", text)


@given(st.lists(st.integers(1, 3 * SHORT_CHARACTERS), max_size=40), st.integers(1, 10))
def test_groups_hold_each_passage_once(lengths: list[int], most: int) -> None:
    """Nothing is lost or doubled, no group has too many or too much, and a long passage is alone."""
    passages = [passage(n, "x" * length) for n, length in enumerate(lengths)]
    groups = list(Scheme(most).groups(iter(passages)))
    assert sorted(p for group in groups for p in group) == sorted(passages)
    for group in groups:
        sizes = [len(p.title) + len(p.text) for p in group]
        assert 1 <= len(group) <= most
        assert len(group) == 1 or (sum(sizes) <= CALL_CHARACTERS and max(sizes) <= SHORT_CHARACTERS)


def test_groups_are_made_as_passages_come() -> None:
    """A million passages are never held at once: the first group is there after its own passages were read."""
    taken = 0

    def stream() -> Any:
        nonlocal taken
        for taken in range(1, 100):
            yield passage(taken)

    next(Scheme(4).groups(stream()))
    assert taken == 4


def test_one_passage_is_shown_with_its_title() -> None:
    """The form that recordings and servers look passages up by."""
    request = Scheme().request([PassageText("p", "北京", "北京是首都。")])
    assert request.messages[-1] == {"role": "user", "content": "Passage:\n北京\n北京是首都。"}
    assert request.messages[0]["role"] == "system"
    assert request.schema_name == "facts"


def test_several_are_shown_with_numbers_and_more_room() -> None:
    """Each has its number, and the answer may be longer than that about one."""
    one, three = Scheme(3).request([passage(1)]), Scheme(3).request([passage(n) for n in range(3)])
    content = three.messages[-1]["content"]
    assert content.startswith("Passage 1:\nTitle 0\n")
    assert "\n\nPassage 3:\nTitle 2\n" in content
    assert three.max_tokens > one.max_tokens
    assert three.schema_name == "passages"


def nodes(schema: Any) -> list[dict[str, Any]]:
    """All schemas within a schema."""
    if isinstance(schema, dict):
        return [schema, *(node for value in schema.values() for node in nodes(value))]
    return [node for value in schema for node in nodes(value)] if isinstance(schema, list) else []


@pytest.mark.parametrize("scheme", [Scheme(2), Scheme(2, form="plain"), Scheme(calls=2)])
@pytest.mark.parametrize("size", [1, 2])
def test_schemas_keep_to_what_every_strict_mode_takes(scheme: Scheme, size: int) -> None:
    """Objects are closed and all their fields required; no bounds, no tuples, no oneOf."""
    schema = scheme.request([passage(n) for n in range(size)]).json_schema
    for node in nodes(schema):
        assert not {"minItems", "maxItems", "prefixItems", "oneOf", "allOf", "minimum", "default"} & node.keys()
        if node.get("type") == "object":
            assert node["additionalProperties"] is False
            assert node["required"] == list(node["properties"])
    assert json.loads(json.dumps(schema)) == schema


def test_the_version_is_of_words_and_shape() -> None:
    """Stored answers stay good when more passages share a call, and are asked for anew in another form."""
    assert Scheme(8).version == Scheme().version
    versions = {Scheme().version, Scheme(form="plain").version, Scheme(calls=2).version}
    assert len(versions) == 3


def test_the_version_follows_the_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed prompt is another version."""
    before = Scheme().version
    monkeypatch.setattr("indexing.extract.llm.scheme.prompt", lambda name: f"other words of {name}")
    assert Scheme().version != before


@pytest.mark.parametrize("options", [{"passages_per_call": 0}, {"calls": 3}, {"calls": 2, "passages_per_call": 2}])
def test_what_cannot_be_asked_is_a_config_error(options: dict[str, Any]) -> None:
    """The message names the option."""
    with pytest.raises(ConfigError, match=next(iter(options))):
        Scheme(**options)


def test_two_calls_have_no_single_answer() -> None:
    """So the Batch API cannot carry them, and says so."""
    from hippomem.models.llm import Completion, Usage

    with pytest.raises(ConfigError, match="calls=2"):
        Scheme(calls=2).answers([passage(1)], Completion("{}", "stop", Usage()))


def test_a_complaint_is_not_part_of_the_passage() -> None:
    """It stands with the instructions; what is asked about stays the same words."""
    plain, again = Scheme().request([passage(1)]), Scheme().request([passage(1)], complaint="no JSON object")
    assert again.messages[-1] == plain.messages[-1]
    assert "no JSON object" in again.messages[0]["content"]
    assert again.prompt_tokens > plain.prompt_tokens


def test_estimates_are_near_a_real_count() -> None:
    """Within a quarter of cl100k_base for prompts about demo texts."""
    pytest.importorskip("tiktoken", reason="counts to compare with come from tiktoken")
    pytest.importorskip("llama_index.core", reason="brings the vocabulary, so that no network is asked")
    from eval.tokens.vocabulary import counter

    count = counter()
    texts = [
        "The Journal of Mathematical Physics was first published in January 1960; its 2018 Impact Factor is 1.355.",
        "Ada: Shall we meet at 6:30? Ben: Sure, I'll bring the maps (all 14 of them).",
        "北京是中华人民共和国的首都，位于华北平原北部，是全国的政治中心和文化中心。",
        "Köln ist eine Großstadt in Nordrhein-Westfalen am Rhein.",
    ]
    for text in texts:
        request = Scheme().request([passage(1, text)])
        real = sum(count(message["content"]) for message in request.messages)
        assert request.prompt_tokens == pytest.approx(real, rel=0.25)


def test_prompt_tokens_of_two_calls_are_those_of_both() -> None:
    """What a dry run shows is what the run takes."""
    scheme = Scheme(calls=2)
    both = scheme.request([passage(1)]).prompt_tokens + scheme.second_request(passage(1), []).prompt_tokens
    assert both <= scheme.prompt_tokens([passage(1)]) <= 1.2 * both
