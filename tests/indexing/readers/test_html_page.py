"""HTML: what of a page is its text, its title, its encoding."""

from __future__ import annotations

from pathlib import Path

import pytest

from hippomem.errors import ReadError
from hippomem.types import Document
from indexing.readers import ReadOptions, read_path

pytest.importorskip("selectolax")

PAGE = """<!DOCTYPE html><html><head><title>Ada Lovelace - Wiki</title><style>p {}</style></head><body>
<nav><a href="/">Home</a></nav>
<h1>Ada  Lovelace</h1>
<!-- a comment --><script>var x = "<p>no</p>";</script>
<p>Ada wrote the <b>first</b>
   program&nbsp;&amp; more.<br>Indeed.</p><div>A <i>line</i></div><div>and another</div>
<ul><li>one<li>two</ul>
<table><tr><th>Name</th><th>Year</th></tr><tr><td>Ada</td><td>1815</td></tr></table>
<pre>  kept
    as is</pre>
<footer>All rights reserved</footer></body></html>"""


def page(folder: Path, html: str | bytes, name: str = "a.html") -> Path:
    path = folder / name
    path.write_bytes(html if isinstance(html, bytes) else html.encode())
    return path


def test_a_page_is_read_as_people_see_it(tmp_path: Path) -> None:
    """Blocks are lines and paragraphs, white space is collapsed but in ``pre``, code, navigation and footer are left out."""
    (document,) = read_path(page(tmp_path, PAGE))
    assert document == Document(
        "Ada wrote the first program\xa0& more.\nIndeed.\n\nA line\nand another\n\none\ntwo\n\n"
        "Name Year\nAda 1815\n\n  kept\n    as is",
        title="Ada Lovelace",
        source_id="a.html",
    )


@pytest.mark.parametrize(
    ("html", "title", "text"),
    [
        ("<title>T</title><p>x</p>", "T", "x"),
        ("<h1>H</h1><p>x</p>", "H", "x"),
        ("<title>T</title><h1>Other</h1><p>x</p>", "T", "Other\n\nx"),
        ("<h1>Only</h1>", "Only", "Only"),
        ("<body><p>out</p><main><p>in</p></main></body>", "", "in"),
        ("<main></main><p>x</p>", "", "x"),
        ("<nav>only this</nav>", "", "only this"),
        ("no markup at all", "", "no markup at all"),
        ("<p>a<p>b</div></p></b>c", "", "a\n\nb\n\nc"),
        ("a<b>b</b> <i> c</i>", "", "ab c"),
    ],
)
def test_titles_and_parts(tmp_path: Path, html: str, title: str, text: str) -> None:
    """``main`` is the page where there is one with text; broken markup is read as browsers do."""
    (document,) = read_path(page(tmp_path, html))
    assert (document.title, document.text) == (title, text)


@pytest.mark.parametrize(
    "raw",
    [
        "<p>café 北京</p>".encode(),
        "<p>café 北京</p>".encode("utf-8-sig"),
        "<p>café 北京</p>".encode("utf-16"),
        '<meta charset="gb18030"><p>café 北京</p>'.encode("gb18030"),
        '<meta http-equiv="Content-Type" content="text/html; charset=Big5-HKSCS"><p>café 北京</p>'.encode("big5hkscs"),
        '<?xml version="1.0" encoding="utf-8"?><p>café 北京</p>'.encode(),
        '<meta charset="utf-16"><p>café 北京</p>'.encode(),
    ],
)
def test_the_page_says_its_encoding(tmp_path: Path, raw: bytes) -> None:
    """By mark, ``meta`` or XML declaration; UTF-8 else."""
    assert next(read_path(page(tmp_path, raw))).text == "café 北京"


def test_old_names_of_encodings_mean_those_of_windows(tmp_path: Path) -> None:
    """ISO-8859-1 on the web has curly quotes."""
    raw = b'<meta charset="iso-8859-1"><p>\x93caf\xe9\x94</p>'
    assert next(read_path(page(tmp_path, raw))).text == "“café”"
    assert next(read_path(page(tmp_path, b"<p>caf\xe9"), ReadOptions(encoding="latin-1"))).text == "café"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"<p>caf\xe9</p>", "is not utf-8 at byte 6.*--encoding"),
        (b'<meta charset="klingon"><p>a</p>', "'klingon', which is not known"),
        (b"", "empty 'text'"),
        (b"<script>x</script><p> </p>", "empty 'text'"),
        (b"<p>" + b"a" * 2000, "more than 1,000 characters"),
    ],
)
def test_a_bad_page_is_one_bad_file(tmp_path: Path, raw: bytes, said: str) -> None:
    """It is an error with the file, or is passed over."""
    page(tmp_path, raw)
    page(tmp_path, "<p>good", "b.htm")
    options = ReadOptions(max_characters=1000)
    with pytest.raises(ReadError, match=said):
        list(read_path(tmp_path, options))
    found: list[ReadError] = []
    assert [d.source_id for d in read_path(tmp_path, options, on_bad=found.append)] == ["b.htm"]
    assert [error.path for error in found] == [tmp_path / "a.html"]


def test_deep_nesting_is_no_danger(tmp_path: Path) -> None:
    """Five thousand elements in each other are walked without recursion."""
    (document,) = read_path(page(tmp_path, "<div>" * 5000 + "deep" + "</div>" * 5000))
    assert document.text == "deep"
