"""The search view, looked at in a browser."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import expect

from hippomem.server.page import router
from tests.server.page.serving import QUESTION, OpenPage, Served, Watched


def texts(locator: Any) -> list[str]:
    """What elements say, in document order."""
    return [text.strip() for text in locator.all_text_contents()]


def test_a_question_shows_the_passages_that_rest_ranks(served: Served, open_page: OpenPage) -> None:
    """Typed into the box and sent with Enter, the question shows REST's ten passages in REST's order, with their texts."""
    page = open_page(served.at())
    expect(page.locator("#question")).to_be_focused()
    page.locator(".brand").focus()
    page.keyboard.press("/")
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    page.locator(".hit").first.wait_for()
    answer = served.client.post("/v1/search", json={"query": QUESTION, "k": 10}).json()
    assert texts(page.locator(".hit h3")) == [hit["title"] for hit in answer["hits"]]
    assert texts(page.locator(".hit .text")) == [hit["text"] for hit in answer["hits"]]
    assert "10 passages" in page.locator("#live").inner_text()


def test_mentions_are_marked_by_what_they_are(served: Served, open_page: OpenPage) -> None:
    """Words of the question, names the walk started from, and names on its path are marked; common words are not."""
    page = open_page(served.at(q=QUESTION))
    page.locator(".hit").first.wait_for()
    assert {"cat", "lives"} <= set(texts(page.locator(".hit .text mark.word")))
    first = page.locator(".hit").first.locator(".text")
    assert "Comet Sorrel" in texts(first.locator("mark.seed"))
    assert "discovered" in texts(first.locator("mark.word"))
    assert not {"the", "is", "of"} & {text.lower() for text in texts(page.locator("mark"))}


def test_marks_in_any_script(served: Served, open_page: OpenPage) -> None:
    """A Chinese question marks Chinese words and names, without spaces to go by."""
    page = open_page(served.at(q="设计灯湾潮汐钟的人在家里种什么花？"))
    page.locator(".hit").first.wait_for()
    assert any("潮汐钟" in text for text in texts(page.locator(".hit mark")))


def test_the_graph_draws_seeds_facts_and_paths(served: Served, open_page: OpenPage) -> None:
    """Every step of the paths to the first five passages is a node, every pair of steps an edge; a seed is among them."""
    page = open_page(served.at(q=QUESTION))
    page.locator(".node").first.wait_for()
    hits = served.client.post("/v1/search", json={"query": QUESTION, "k": 10}).json()["hits"][:5]
    labels = page.locator(".node").evaluate_all("nodes => nodes.map(node => node.getAttribute('aria-label'))")
    assert sum(label.startswith("Passage ") for label in labels) == 5
    for hit in hits:
        for step in hit["why"]["path"]:
            assert any(step["text"][:40] in label for label in labels), step
    assert any(label.startswith("Name, seed of the walk") and "Comet Sorrel" in label for label in labels)
    paths = [[step["text"] for step in hit["why"]["path"]] for hit in hits]
    steps = {pair for path in paths for pair in pairwise(path)}
    assert page.locator(".edge").count() >= len(steps) > 0
    box = page.locator(".drawing").first.evaluate("e => [e.scrollWidth, e.clientWidth]")
    assert box[0] <= box[1], "the graph is wider than its panel"


def test_no_nodes_overlap(served: Served, open_page: OpenPage) -> None:
    """However many paths there are, no node is drawn over another."""
    for question in (QUESTION, "What does Tamsin's Wednesday teacher carve?"):
        page = open_page(served.at(q=question))
        page.locator(".node").first.wait_for()
        boxes = page.locator(".node rect.bg").evaluate_all(
            "all => all.map(e => e.getBoundingClientRect()).map(r => [r.left, r.top, r.right, r.bottom])"
        )
        for at, one in enumerate(boxes):
            for other in boxes[at + 1 :]:
                apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
                assert apart, (question, one, other)


def test_a_passage_picked_in_the_graph_is_shown(served: Served, open_page: OpenPage) -> None:
    """By mouse and by keyboard, a passage's node leads to the passage, and hovering leaves only its path clear."""
    page = open_page(served.at(q=QUESTION), height=500)
    node = page.locator('.node[aria-label^="Passage 5"]')
    node.focus()
    page.keyboard.press("Enter")
    expect(page.locator('.hit[data-rank="5"]')).to_be_focused()
    page.locator('.node[aria-label^="Passage 2"]').click()
    expect(page.locator('.hit[data-rank="2"]')).to_be_focused()
    page.locator('.hit[data-rank="2"]').hover()
    expect(page.locator(".node.faint").first).to_be_attached()
    assert "faint" not in (page.locator('.node[aria-label^="Passage 2"]').get_attribute("class") or "")


def test_why_tells_path_facts_and_scores(served: Served, open_page: OpenPage) -> None:
    """Opened, the reasons of a passage are those of the answer."""
    page = open_page(served.at(q=QUESTION))
    card = page.locator(".hit").nth(1)
    card.locator("summary").click()
    why = served.client.post("/v1/search", json={"query": QUESTION, "k": 10}).json()["hits"][1]["why"]
    steps = card.locator(".path li > span:last-child")
    assert texts(steps) == [step["text"] for step in why["path"]]
    assert texts(card.locator(".facts li > span:first-child")) == [fact["text"] for fact in why["facts"]]
    assert card.locator(".scores dt").count() == len(why["scores"])


def test_what_is_superseded_says_so_and_leads_on(served: Served, open_page: OpenPage) -> None:
    """The older of two statements is marked, and its link opens the newer one, with what that said before."""
    page = open_page(served.at(q="Where does Wenna live?", namespace="chat"))
    old = page.locator(".hit", has_text="Quillhaven")
    old.locator(".superseded button").click()
    box = page.locator("dialog.memory")
    box.locator(".history li").first.wait_for()
    assert "ninth terrace" in box.locator(".text").inner_text()
    assert texts(box.locator(".history p")) == [
        "Wenna lives in Tarnholm, on the ninth terrace.",
        "Wenna lives in Tarnholm.",
    ]
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)


def test_a_chip_filters_and_can_be_dropped(served: Served, open_page: OpenPage) -> None:
    """Date, speaker and session stand on a passage; a click on the speaker leaves only what that speaker said."""
    page = open_page(served.at(q="Where does Wenna live?", namespace="chat"))
    card = page.locator(".hit", has_text="Quillhaven")
    assert "Mar 2, 2024" in card.locator(".chips").inner_text()
    assert "s1" in card.locator(".chip.session").inner_text()
    page.locator(".hit", has_text="bees").locator(".chip.speaker").click()
    page.locator(".chip.set").wait_for()
    expect(page.locator(".hit")).to_have_count(1)
    page.locator(".chip.set").click()
    expect(page.locator(".hit")).to_have_count(3)


def test_a_filter_is_set_by_its_form(served: Served, open_page: OpenPage) -> None:
    """Dates and names given in the form narrow what is found, and the form shows them again."""
    page = open_page(served.at(q="Where does Wenna live?", namespace="chat"))
    page.locator(".filter summary").click()
    page.fill("#filter-since", "2024-04-01")
    page.fill("#filter-until", "2024-06-01")
    page.keyboard.press("Enter")
    expect(page.locator(".hit")).to_have_count(1)
    expect(page.locator(".hit .text")).to_contain_text("bees")
    assert texts(page.locator(".chip.set span")) == ["since", "until"]
    assert page.input_value("#filter-since") == "2024-04-01"
    page.locator("[data-view=memories]").click()
    expect(page.locator(".memory-row")).to_have_count(1)


def test_the_namespace_is_chosen(served: Served, open_page: OpenPage) -> None:
    """The chooser lists the namespaces there are; another one answers from its own memories only."""
    page = open_page(served.at(q="Where does Wenna live?"))
    expect(page.locator("#namespace option")).to_have_count(3)
    assert texts(page.locator("#namespace option")) == ["chat", "default", "hostile"]
    page.select_option("#namespace", "chat")
    expect(page.locator(".hit")).to_have_count(3)


def test_an_empty_namespace_is_no_error(served: Served, open_page: OpenPage, watched: Watched) -> None:
    """Search and list say that nothing is remembered yet."""
    watched.tolerated = ["404 .Not Found"]  # Chromium's own line about the API's answer
    page = open_page(served.at(q="Anything?", namespace="nobody"))
    page.locator(".notice", has_text="Nothing is remembered here yet").wait_for()
    page.locator("[data-view=memories]").click()
    page.locator(".notice", has_text="hippomem index").wait_for()
    expect(page.locator(".bad")).to_have_count(0)


def test_a_server_that_is_gone_is_told_and_tried_again(served: Served, open_page: OpenPage, watched: Watched) -> None:
    """When nothing answers the page says so; "Try again" shows the answer once the server is back."""
    watched.tolerated = ["net::ERR_FAILED"]
    page = open_page(served.at())
    page.route("**/v1/**", lambda route: route.abort())
    page.fill("#question", QUESTION)
    page.keyboard.press("Enter")
    page.locator(".notice.bad", has_text="does not answer").wait_for()
    page.unroute("**/v1/**")
    page.get_by_role("button", name="Try again").click()
    page.locator(".hit").first.wait_for()


def test_without_the_drawing_library_the_page_works(
    served: Served, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where plotly is not installed the passages are there with their paths in words, and the page says what draws them."""
    monkeypatch.setattr(router, "drawing_library", lambda: None)
    page = open_page(served.at(q=QUESTION))
    page.locator(".drawing", has_text="hippomem[ui]").first.wait_for()
    expect(page.locator(".hit")).to_have_count(10)
    assert "Gull Rock Observatory" in page.locator(".hit").nth(1).locator("summary").inner_text()
