"""The list of memories and the timeline, looked at in a browser."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.server.page.serving import QUESTION, OpenPage, Served, Watched


def listed(served: Served, **query: str | int) -> list[str]:
    """Ids of the memories REST lists, newest first."""
    answer = served.client.get("/v1/memories", params={"newest_first": "true", "limit": 1000, **query}).json()
    return [record["memory_id"] for record in answer["memories"]]


def test_memories_are_listed_newest_first_page_by_page(served: Served, open_page: OpenPage) -> None:
    """Fifty at first, the rest on demand, in REST's order, each once."""
    page = open_page(served.at("memories"))
    page.locator(".memory-row").first.wait_for()
    shown = "rows => rows.map(row => row.dataset.memory)"
    ids = listed(served)
    assert page.locator(".memory-row").evaluate_all(shown) == ids[:50]
    page.get_by_role("button", name="Show more").click()
    expect(page.locator(".memory-row")).to_have_count(len(ids))
    assert page.locator(".memory-row").evaluate_all(shown) == ids
    expect(page.get_by_role("button", name="Show more")).to_have_count(0)


def test_forgetting_asks_first_and_really_forgets(own: Served, open_page: OpenPage) -> None:
    """To keep it keeps it; to forget it takes it from the page, from REST and from the file."""
    page = open_page(own.at("memories", namespace="chat"))
    row = page.locator(".memory-row", has_text="bees")
    memory_id = row.get_attribute("data-memory")
    row.get_by_role("button", name="Forget").click()
    page.get_by_role("button", name="Keep it").click()
    expect(page.locator("dialog")).to_have_count(0)
    assert own.client.get(f"/v1/memories/{memory_id}", params={"namespace": "chat"}).status_code == 200

    row.get_by_role("button", name="Forget").click()
    page.locator("dialog").get_by_role("button", name="Forget").click()
    expect(page.locator(".memory-row")).to_have_count(2)
    assert own.client.get(f"/v1/memories/{memory_id}", params={"namespace": "chat"}).status_code == 404
    found = own.client.post("/v1/search", json={"query": "Who keeps bees?", "namespace": "chat"}).json()
    assert all("bees" not in hit["text"] for hit in found["hits"])
    assert b"bees behind the chapel" not in own.store.read_bytes()


def test_forgetting_from_an_answer_searches_again(own: Served, open_page: OpenPage) -> None:
    """A passage forgotten among the results is gone from the next ones, which come by themselves."""
    page = open_page(own.at(q="Who keeps bees?", namespace="chat"))
    page.locator(".hit", has_text="bees").get_by_role("button", name="Forget").click()
    page.locator("dialog").get_by_role("button", name="Forget").click()
    expect(page.locator(".hit")).to_have_count(2)
    assert len(listed(own, namespace="chat")) == 2


def test_a_memory_that_went_meanwhile_is_told(own: Served, open_page: OpenPage, watched: Watched) -> None:
    """Opening what another caller has forgotten says so."""
    watched.tolerated = ["404 .Not Found"]
    page = open_page(own.at("memories", namespace="chat"))
    page.locator(".memory-row").first.wait_for()
    own.client.post("/v1/forget", json={"namespace": "chat", "where": {"speaker": "Dov"}})
    page.locator(".memory-row", has_text="bees").locator("button.title").click()
    page.locator("dialog", has_text="This memory is gone").wait_for()


def test_history_shows_what_was_said_before(served: Served, open_page: OpenPage) -> None:
    """The dialog of a memory has its versions, the newest first, and what it takes the place of."""
    page = open_page(served.at("memories", namespace="chat"))
    page.locator(".memory-row", has_text="ninth terrace").get_by_role("button", name="History").click()
    versions = page.locator("dialog .history li p")
    versions.first.wait_for()
    assert versions.all_text_contents() == [
        "Wenna lives in Tarnholm, on the ninth terrace.",
        "Wenna lives in Tarnholm.",
    ]
    page.locator("dialog dd button.link").click()
    page.locator("dialog .text", has_text="Quillhaven").wait_for()
    expect(page.locator("dialog")).to_have_count(1)


def test_the_timeline_has_a_dot_for_each_dated_memory(served: Served, open_page: OpenPage) -> None:
    """Dated memories are dots in lanes of their speakers; the others join them where they were recorded, if wanted."""
    page = open_page(served.at("timeline"))
    page.locator(".drawing .point").first.wait_for()
    records = served.client.get("/v1/memories", params={"limit": 1000}).json()["memories"]
    dated = [record for record in records if record["occurred_at"]]
    assert dated
    expect(page.locator(".drawing .point")).to_have_count(len(dated))
    speakers = {record["sources"][0]["speaker"] for record in dated}
    lanes = page.locator(".drawing .ytick text")
    expect(lanes).to_have_count(len(speakers))
    assert set(lanes.all_text_contents()) == speakers
    page.check("#by-record")
    expect(page.locator(".drawing .point")).to_have_count(len(records))
    page.get_by_text("The same as a list").click()
    expect(page.locator(".dated li")).to_have_count(len(dated))


def test_the_timeline_shows_the_last_answer(served: Served, open_page: OpenPage) -> None:
    """After a search its dated passages stand among the memories with their rank; a click on one opens it."""
    page = open_page(served.at(q="What does Tamsin's Wednesday teacher carve?"))
    page.locator(".side .time .point").first.wait_for()
    hits = served.client.post("/v1/search", json={"query": "What does Tamsin's Wednesday teacher carve?"}).json()[
        "hits"
    ]
    ranks = {str(hit["rank"]) for hit in hits if hit["occurred_at"]}
    assert set(page.locator(".side .time .textpoint text").all_text_contents()) == ranks
    page.locator("[data-view=timeline]").click()
    page.locator("main > div .time .textpoint").first.wait_for()
    assert set(page.locator(".time .textpoint text").all_text_contents()) == ranks
    point = page.locator(".time .points path.point").last.bounding_box()
    page.mouse.click(point["x"] + point["width"] / 2, point["y"] + point["height"] / 2)
    page.locator("dialog.memory .facts-of").wait_for()


def test_an_answer_of_another_namespace_is_not_on_the_timeline(served: Served, open_page: OpenPage) -> None:
    """Ranks belong to the namespace that was searched."""
    page = open_page(served.at(q=QUESTION))
    page.locator(".hit").first.wait_for()
    page.locator("[data-view=memories]").click()
    page.select_option("#namespace", "chat")
    expect(page.locator(".memory-row")).to_have_count(3)
    page.locator("[data-view=timeline]").click()
    expect(page.locator(".drawing .point")).to_have_count(3)
    expect(page.locator(".textpoint")).to_have_count(0)
