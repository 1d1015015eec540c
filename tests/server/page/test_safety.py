"""Nothing stored runs, nothing is fetched from elsewhere, no key is left behind."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

import hippomem.server.page
from hippomem.server.access import Keys
from hippomem.store import Store
from tests.server.page.serving import HOSTILE, HOSTILE_TITLE, QUESTION, OpenPage, Served, Watched, serving

STATIC = Path(hippomem.server.page.__file__).parent / "static"


def test_stored_html_is_text_everywhere(served: Served, open_page: OpenPage) -> None:
    """Markup in a title, text, speaker, session, source id or metadata is shown as it was written, in every view.

    That no dialog opened and no policy was violated is what `open_page` looks at.
    """
    page = open_page(served.at(q="Where is Zanzibar?", namespace="hostile"))
    page.locator(".node").first.wait_for()
    page.locator(".side .time .point").wait_for()
    assert page.locator(".hit .text").inner_text() == HOSTILE
    assert page.locator(".hit h3").inner_text() == HOSTILE_TITLE
    page.locator(".hit summary").click()
    drawn = "".join(page.locator(".node text").all_text_contents())
    assert "<img src=x" in drawn or "<script>" in drawn
    page.locator(".node").first.hover()
    page.locator(".hit").get_by_role("button", name="Open").click()
    box = page.locator("dialog.memory")
    expect(box.locator(".text")).to_have_text(HOSTILE)
    assert json.dumps({"a": HOSTILE}, separators=(",", ":")) in box.inner_text()
    box.get_by_role("button", name="Forget").click()
    expect(page.locator("dialog.ask b")).to_have_text(HOSTILE_TITLE)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.locator("[data-view=memories]").click()
    expect(page.locator(".memory-row .text")).to_contain_text("<script>alert(1)</script>")
    page.locator("[data-view=timeline]").click()
    page.locator(".drawing .point").wait_for()
    page.get_by_text("The same as a list").click()
    page.locator(".hoverlayer").first.wait_for(state="attached")
    expect(page.locator("main img, main script, main iframe, main a[href^=javascript], dialog img")).to_have_count(0)


def test_markup_in_the_address_is_text(served: Served, open_page: OpenPage, watched: Watched) -> None:
    """A link that somebody sends cannot carry a script in its question, namespace or filters."""
    watched.tolerated = ["404 .Not Found"]
    page = open_page(served.at(q="<img src=x onerror=alert(1)>", namespace="<script>alert(1)</script>", user=HOSTILE))
    page.locator(".notice").wait_for()
    expect(page.locator("main img, main script")).to_have_count(0)
    assert page.input_value("#question") == "<img src=x onerror=alert(1)>"


def test_the_policy_stops_what_would_be_inline(served: Served, open_page: OpenPage, watched: Watched) -> None:
    """Were markup ever parsed, the content security policy would keep it from running."""
    watched.tolerated = ["Content Security Policy", "Failed to load resource"]
    page = open_page(served.at())
    with page.expect_console_message(lambda said: "Content Security Policy" in said.text):
        page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=static/none onerror=alert(1)>')")
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('style'), {textContent: 'body{color:red}'}))"
    )
    assert page.evaluate("getComputedStyle(document.body).color") != "rgb(255, 0, 0)"


def test_our_scripts_parse_no_html() -> None:
    """No file of ours uses what turns text into markup or code, and the page has no inline script, style or handler."""
    for file in STATIC.glob("*.js"):
        script = file.read_text(encoding="utf-8")
        found = re.findall(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc", script
        )
        assert found == [], file.name
        assert "localStorage" not in script.replace("sessionStorage", ""), file.name
    html = (STATIC / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|https?://(?!www\.w3\.org)", html) == []


@pytest.fixture
def keyed(own_store: Path) -> str:
    """A key that may read "chat" only; with it, the store lets nobody in without."""
    with Store.open(own_store) as store:
        return Keys(store).create("reader", "read", ["chat"])[1]


def test_a_key_is_asked_for_and_kept_in_the_tab(
    keyed: str, own_store: Path, open_page: OpenPage, watched: Watched
) -> None:
    """Without a key the page asks for one; a wrong one is told as such; a right one opens what it may read, in this tab."""
    watched.tolerated = ["401 .Unauthorized", "403 .Forbidden"]
    with serving(own_store) as served:
        page = open_page(served.at("memories", namespace="chat"))
        box = page.locator("dialog.key")
        expect(box).to_contain_text("asks for an API key")
        page.fill("#key-field", "hm_000000000000_" + "0" * 64)
        page.get_by_role("button", name="Use this key").click()
        refusal = served.client.get("/v1/namespaces", headers={"authorization": "Bearer hm_wrong"}).json()["error"]
        expect(box.get_by_role("alert")).to_have_text(refusal["message"])
        page.fill("#key-field", keyed)
        page.keyboard.press("Enter")
        expect(page.locator(".memory-row")).to_have_count(3)
        expect(page.locator("#namespace option")).to_have_text(["chat"])
        expect(page.locator("#key")).to_have_text("API key ✓")

        assert page.evaluate("Object.values(sessionStorage)") == [keyed]
        assert page.evaluate("localStorage.length + document.cookie.length") == 0
        assert keyed not in page.url
        assert [url for url in watched.requests if keyed in url] == []
        other = page.context.new_page()
        watched.watch(other)
        other.goto(served.at("memories", namespace="chat"))
        expect(other.locator("dialog.key")).to_contain_text("asks for an API key")


def test_what_a_key_may_not_do_is_told(keyed: str, own_store: Path, open_page: OpenPage, watched: Watched) -> None:
    """A key that only reads gets the server's words when it tries to forget, and the memory stays."""
    watched.tolerated = ["401 .Unauthorized", "403 .Forbidden"]
    with serving(own_store) as served:
        page = open_page(served.at("memories", namespace="chat"))
        page.fill("#key-field", keyed)
        page.keyboard.press("Enter")
        page.locator(".memory-row").first.get_by_role("button", name="Forget").click()
        page.locator("dialog.ask").get_by_role("button", name="Forget").click()
        expect(page.locator("dialog.ask .bad")).to_contain_text("right to write")
        page.get_by_role("button", name="Keep it").click()
        expect(page.locator(".memory-row")).to_have_count(3)
        page.goto(served.at(q=QUESTION))
        expect(page.locator(".results .bad")).to_contain_text("does not reach the namespace")


def test_headers_of_every_file(served: Served) -> None:
    """Page, files and library come with the policy, and with nothing that lets another site use them."""
    names = [
        "/",
        "/static/plotly.json",
        "/static/plotly.min.js",
        *(f"/static/{file.name}" for file in STATIC.iterdir()),
    ]
    for name in names:
        answer = served.client.get(name)
        assert "script-src 'self'; style-src 'self'" in answer.headers["content-security-policy"], name
        assert "unsafe" not in answer.headers["content-security-policy"], name
        assert answer.headers["x-content-type-options"] == "nosniff", name
        assert answer.headers["referrer-policy"] == "no-referrer", name
        assert "access-control-allow-origin" not in answer.headers, name


@pytest.mark.parametrize(
    "path", ["/static/../router.py", "/static/%2e%2e/router.py", "/static/..%2frouter.py", "/static/none.js"]
)
def test_no_path_leads_out_of_the_folder(served: Served, path: str) -> None:
    """Only the files that are there by name are served."""
    url = httpx.URL(served.url).copy_with(raw_path=f"/static/{path}".encode())
    assert served.client.get(url).status_code == 404


def test_other_hosts_are_refused(served: Served) -> None:
    """The page is served under the names of this machine only, like the rest."""
    assert served.client.get("/", headers={"host": "evil.example"}).status_code == 421
