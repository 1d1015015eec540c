"""How files are sent, without a browser."""

from __future__ import annotations

import gzip
from importlib.metadata import version
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from hippomem.server.page import router


@pytest.fixture
def client() -> TestClient:
    """The page's routes alone."""
    app = FastAPI()
    app.include_router(router.router)
    return TestClient(app)


def test_a_known_file_is_not_sent_again(client: TestClient) -> None:
    """With the etag it got, a client is told that nothing has changed; with another one it gets the file."""
    first = client.get("/static/main.js")
    again = client.get("/static/main.js", headers={"if-none-match": f'"x", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/static/main.js", headers={"if-none-match": '"x"'}).content == first.content


def test_files_are_packed_for_those_who_take_it(client: TestClient) -> None:
    """The same bytes, gzipped or not."""
    plain = client.get("/static/page.css", headers={"accept-encoding": "identity"})
    packed = client.get("/static/page.css", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content == router.page_files()["page.css"].content
    assert gzip.decompress(router.page_files()["page.css"].packed) == plain.content


def test_the_library_comes_from_its_package(client: TestClient) -> None:
    """What is sent is the installed file, kept for good under an address that changes with its content."""
    import plotly

    told = client.get("/static/plotly.json").json()
    sent = client.get("/" + told["file"])
    assert sent.content == (Path(plotly.__file__).parent / "package_data" / "plotly.min.js").read_bytes()
    assert "immutable" in sent.headers["cache-control"]
    assert told["version"] == version("plotly")


def test_a_missing_library_is_told(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package there is no file, and the page can know."""
    router.drawing_library.cache_clear()
    monkeypatch.setattr(router, "find_spec", lambda name: None)
    try:
        assert client.get("/static/plotly.json").json() == {"file": None, "version": None, "styles": []}
        assert client.get("/static/plotly.min.js").status_code == 404
    finally:
        router.drawing_library.cache_clear()


def test_the_page_names_only_files_that_are_there(client: TestClient) -> None:
    """Every script, style and import of ours can be fetched."""
    import re

    page = client.get("/").text
    names = set(re.findall(r'(?:href|src)="static/([^"]+)"', page))
    for name, asset in router.page_files().items():
        if name.endswith(".js"):
            names |= set(re.findall(r'from "\./([^"]+)"', asset.content.decode()))
    assert len(names) > 15
    assert {name for name in names if client.get(f"/static/{name}").status_code != 200} == set()
    assert set(router.page_files()) - names == {"index.html"}, "files that nothing uses"
