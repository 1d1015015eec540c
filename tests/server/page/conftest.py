"""A real server on loopback over a copy of the demo's store, and a real browser that looks at it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

for _package, _extra in (("fastapi", "server"), ("uvicorn", "server"), ("httpx", "test"), ("playwright", "test")):
    pytest.importorskip(_package, reason=f'{_package} is not installed: pip install "hippomem[{_extra}]"')

from tests.server.page.serving import QUESTION, OpenPage, Served, Watched, fill, serving  # noqa: E402

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: A busy machine takes its time.
PATIENCE_MS = 60_000


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--update-screenshot``: see test_looks.py."""
    parser.addoption("--update-screenshot", action="store_true", help="Write the README's picture, data/page.png.")


@pytest.fixture(scope="session")
def demo_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of `fill`, made once."""
    path = tmp_path_factory.mktemp("page") / "demo.hippo"
    fill(path)
    return path


@pytest.fixture
def own_store(demo_store: Path, tmp_path: Path) -> Path:
    """A copy of the store, to be changed."""
    return Path(shutil.copy(demo_store, tmp_path / "own.hippo"))


@pytest.fixture(scope="module")
def served(demo_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server for tests that change nothing."""
    with serving(Path(shutil.copy(demo_store, tmp_path_factory.mktemp("served") / "demo.hippo"))) as running:
        running.client.post("/v1/search", json={"query": QUESTION})  # what has to be compiled is, from here on
        yield running


@pytest.fixture
def own(own_store: Path) -> Iterator[Served]:
    """A server for a test that changes what is stored."""
    with serving(own_store) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium. Not for the session: while playwright runs, no other test could start an event loop."""
    from playwright.sync_api import expect, sync_playwright

    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed (Debian: apt-get install chromium)")
    # Chromium refuses to run as root inside its own sandbox.
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as running:
        expect.set_options(timeout=PATIENCE_MS)
        opened = running.chromium.launch(executable_path=found, args=arguments)
        yield opened
        opened.close()


@pytest.fixture
def watched() -> Watched:
    """Collects from all pages of a test."""
    return Watched()


@pytest.fixture
def open_page(browser: Any, watched: Watched) -> Iterator[OpenPage]:
    """``open_page(url, width=1280, height=800, scheme="light")``: a page in a browser session of its own.

    After each test: nothing was complained about in the console, no dialog opened, and only the server was asked.
    """
    contexts: list[Any] = []
    hosts: set[str] = set()

    def opening(url: str, *, width: int = 1280, height: int = 800, scheme: str = "light") -> Any:
        size = {"width": width, "height": height}
        context = browser.new_context(viewport=size, color_scheme=scheme, locale="en-US", reduced_motion="reduce")
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        watched.watch(page)
        hosts.add(url.split("/#")[0] + "/")
        page.goto(url)
        return page

    yield opening
    for context in contexts:
        context.close()
    assert watched.unexpected() == []
    assert watched.dialogs == []
    assert [url for url in watched.requests if not url.startswith(tuple(hosts))] == []
