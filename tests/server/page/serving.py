"""What the page's tests share: what they store, a real server on loopback, and what a browser session is watched for."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import uvicorn

from hippomem.demo import demo_folder
from hippomem.memory import Memory
from hippomem.server.app import create_app
from hippomem.server.settings import ServerSettings
from indexing.readers import read_path

QUESTION = "What is the name of the cat that lives where Comet Sorrel was discovered?"
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)> Zanzibar &lt;b&gt; <a href='javascript:alert(3)'>link</a>"
)
HOSTILE_TITLE = "<img src=x onerror=alert(4)>"


def fill(path: Path) -> None:
    """A store of three namespaces: "default" holds the demo, "chat" what changed, "hostile" texts that would be HTML."""
    with Memory(path) as memory:
        memory.add_many(read_path(demo_folder()))
    with Memory(path, namespace="chat") as memory:
        old = memory.add("Wenna lives in Quillhaven.", speaker="Wenna", session="s1", occurred_at="2024-03-02")
        new = memory.add(
            "Wenna lives in Tarnholm.", speaker="Wenna", user="w", occurred_at="2024-10-02", supersedes=old
        )
        memory.update(new, "Wenna lives in Tarnholm, on the ninth terrace.")
        memory.add("Dov keeps bees behind the chapel.", speaker="Dov", occurred_at="2024-05-01")
    with Memory(path, namespace="hostile") as memory:
        told = {"speaker": HOSTILE_TITLE, "session": HOSTILE_TITLE, "source_id": HOSTILE_TITLE}
        memory.add(HOSTILE, title=HOSTILE_TITLE, occurred_at="2024-01-01", metadata={"a": HOSTILE}, **told)


@dataclass
class Served:
    """A running server. url: without a slash at the end."""

    url: str
    store: Path
    client: httpx.Client

    def at(self, view: str = "search", **query: str) -> str:
        """The address of a view of the page."""
        return f"{self.url}/#/{view}{'?' + urlencode(query) if query else ''}"


@contextmanager
def serving(store: Path) -> Iterator[Served]:
    """Serve *store* in a thread, with the app that `hippomem serve` runs."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = create_app(ServerSettings(store=str(store), port=listener.getsockname()[1], rate=0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=5))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            client = stack.enter_context(httpx.Client(base_url=url, timeout=60, trust_env=False))
            until = time.monotonic() + 60
            while client.get("/readyz").status_code != 200:
                assert time.monotonic() < until, "the server is not ready after a minute"
                time.sleep(0.05)
            yield Served(url, store, client)
        finally:
            server.should_exit = True
            thread.join()


@dataclass
class Watched:
    """What pages do that their reader does not see. tolerated: complaints a test expects, as regular expressions."""

    complaints: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    tolerated: list[str] = field(default_factory=list)

    def watch(self, page: Any) -> None:
        """Note what this page complains about, opens and asks for."""
        page.on("console", lambda said: self._said(said.type, said.text))
        page.on("pageerror", lambda error: self.complaints.append(f"exception: {error}"))
        page.on("dialog", self._dialog)
        page.on("request", lambda request: self.requests.append(request.url))

    def _said(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(f"{kind}: {text}")

    def _dialog(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def unexpected(self) -> list[str]:
        """Errors and warnings of the console, and exceptions."""
        return [line for line in self.complaints if not any(re.search(pattern, line) for pattern in self.tolerated)]


OpenPage = Callable[..., Any]
