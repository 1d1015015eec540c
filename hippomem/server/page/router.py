"""The routes of the page: itself, its files, and the drawing library from the installed package that carries it.

None of them asks for an API key: they hold nothing of the store. The page asks its reader for one when the API does.
"""

from __future__ import annotations

import gzip
import re
from functools import lru_cache
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

#: Nothing but this server's own files and its API: no inline script or style, no other host, no frame around the page.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
#: plotly.js puts a style element for its maps into the page while it loads, unless one of this id, a checksum, is there.
_STYLE_ID = re.compile(r'document\.getElementById\("([0-9a-f]{64})"\)')

router = APIRouter(include_in_schema=False)


class Asset(NamedTuple):
    """A file as it is sent. packed: the same, gzipped."""

    content: bytes
    packed: bytes
    media_type: str
    digest: str

    @classmethod
    def of(cls, content: bytes, media_type: str) -> Asset:
        """Pack it, once for all requests."""
        digest = blake2b(content, digest_size=12).hexdigest()
        return cls(content, gzip.compress(content, 6, mtime=0), media_type, digest)

    @property
    def etag(self) -> str:
        """As HTTP writes it."""
        return f'"{self.digest}"'


@lru_cache(maxsize=1)
def page_files() -> dict[str, Asset]:
    """The page's own files by name. What is not among them does not exist, so no path can lead out of the folder."""
    files = sorted(path for path in _FOLDER.iterdir() if path.suffix in _TYPES)
    return {path.name: Asset.of(path.read_bytes(), _TYPES[path.suffix]) for path in files}


class Library(NamedTuple):
    """The drawing library. told: what the page is told of it: its address, version, and the style elements to leave out."""

    asset: Asset
    told: dict[str, Any]


@lru_cache(maxsize=1)
def drawing_library() -> Library | None:
    """plotly.js as the Python package plotly brings it, or None where that is not installed. The package is not imported."""
    spec = find_spec("plotly")
    if spec is None or not spec.submodule_search_locations:
        return None
    file = Path(next(iter(spec.submodule_search_locations))) / "package_data" / "plotly.min.js"
    if not file.is_file():
        return None
    asset = Asset.of(file.read_bytes(), _TYPES[".js"])
    try:
        named = version("plotly")
    except PackageNotFoundError:  # a copy on the path that was not installed: drawn with all the same
        named = None
    told = {
        # The address changes with the content, so that the file itself can be kept for good.
        "file": f"static/plotly.min.js?v={asset.digest}",
        "version": named,
        "styles": sorted(set(_STYLE_ID.findall(asset.content.decode()))),
    }
    return Library(asset, told)


def send(request: Request, asset: Asset, *, keep: str = "no-cache") -> Response:
    """The asset, packed if the client takes that, or 304 if it has it. keep: how long it may go without asking."""
    headers = {**HEADERS, "cache-control": keep, "etag": asset.etag, "vary": "accept-encoding"}
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if asset.etag in known:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
        return Response(asset.packed, media_type=asset.media_type, headers=headers)
    return Response(asset.content, media_type=asset.media_type, headers=headers)


@router.get("/")
def page(request: Request) -> Response:
    """The page."""
    return send(request, page_files()["index.html"])


@router.get("/static/plotly.json")
def library() -> Response:
    """Whether there is a drawing library, and where."""
    found = drawing_library()
    told = {"file": None, "version": None, "styles": []} if found is None else found.told
    return JSONResponse(told, headers={**HEADERS, "cache-control": "no-cache"})


@router.get("/static/plotly.min.js")
def library_file(request: Request) -> Response:
    """The drawing library."""
    found = drawing_library()
    if found is None:
        return Response(status_code=404, headers=HEADERS)
    return send(request, found.asset, keep="public, max-age=31536000, immutable")


@router.get("/static/{name}")
def file(request: Request, name: str) -> Response:
    """One of the page's files."""
    asset = page_files().get(name)
    if asset is None or name == "index.html":
        return Response(status_code=404, headers=HEADERS)
    return send(request, asset)
