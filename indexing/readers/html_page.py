"""HTML, by selectolax (extra ``html``): a page is a document."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from hippomem.errors import ReadError
from hippomem.types import Document
from indexing.readers.inputs import Entries, Input
from indexing.readers.plain import whole_document

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

#: How far a page may go on before it says its encoding, as browsers have it.
_HEAD = 1024
_CHARSET = re.compile(
    rb"""(?:<meta[^>]{0,200}?charset|<\?xml[^>]{0,100}?encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE
)
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
#: What pages say and mean (WHATWG Encoding): the old names stand for Windows' superset; a page that could be read so far is
#: not UTF-16.
_MEANT = {"iso8859-1": "cp1252", "ascii": "cp1252", "utf-16": "utf-8", "utf-16-le": "utf-8", "utf-16-be": "utf-8"}

#: No text for readers, and text of the site instead of the page.
_UNSEEN = frozenset("script style template noscript svg math iframe object head title textarea select button".split())
_OF_SITE = frozenset(["nav", "footer"])
#: What begins on a new line, and what has an empty line around it.
_LINES = frozenset("div li tr dt dd header main footer nav aside figcaption caption form fieldset summary".split())
_PARAGRAPHS = frozenset(
    "p h1 h2 h3 h4 h5 h6 pre blockquote table ul ol dl section article figure details hr address".split()
)
_SPACE = re.compile(r"[ \t\n\r\f]+")


def read(source: Input) -> Entries:
    """The page's ``main`` part, or else all of it without navigation and footer, a paragraph as the page has it.

    Its title is that of the page, or its first ``h1`` where that is a part of it ("Ada Lovelace" of "Ada Lovelace - Wiki").
    The encoding is what a byte order mark, the page or ``--encoding`` says; else UTF-8.
    """
    from selectolax.lexbor import LexborHTMLParser

    page = LexborHTMLParser(_markup(source))
    body = page.body
    main = page.css_first("main")
    text = ""
    for root, left_out in ((main, _UNSEEN), (body, _UNSEEN | _OF_SITE), (body, _UNSEEN)):
        text = text or ("" if root is None else page_text(root, left_out))
    title, heading = (_flat(page.css_first(name)) for name in ("title", "h1"))
    if heading and (not title or heading in title):
        title = heading
        if text.startswith(title + "\n"):
            text = text[len(title) :].lstrip("\n")
    yield whole_document(source, Document(text=text, title=title, source_id=source.source_id()))


def page_text(root: LexborNode, left_out: frozenset[str]) -> str:
    """The text below a node, without elements *left_out*: white space as a browser shows it."""
    out: list[str] = []
    owed = 0  # line ends to write before the next text
    spaced = True  # what is written ends in white space
    preformatted = 0
    waiting: list[tuple[LexborNode, bool]] = [(root, False)]  # (node, whether it ends here); nesting has no limit so
    while waiting:
        node, ends = waiting.pop()
        tag = node.tag or ""
        if tag == "-text":
            text = node.text_content or ""
            if not preformatted:
                text = _SPACE.sub(" ", text)
                if (owed or spaced) and text.startswith(" "):
                    text = text[1:]
            if text:
                if owed:
                    out.append("\n" * owed if out else "")
                    owed = 0
                out.append(text)
                spaced = text[-1] in " \n"
            continue
        if node.is_comment_node or tag in left_out:
            continue
        if tag == "br":
            owed = owed if ends else min(owed + 1, 2)
        elif tag in ("td", "th"):
            if not spaced and not owed:
                out.append(" ")
                spaced = True
        else:
            owed = max(owed, 2 if tag in _PARAGRAPHS else 1 if tag in _LINES else 0)
        if tag == "pre":
            preformatted += -1 if ends else 1
        if not ends:
            waiting.append((node, True))
            children = []
            child = node.child
            while child is not None:
                children.append((child, False))
                child = child.next
            waiting.extend(reversed(children))
    return re.sub(r" +\n", "\n", "".join(out)).strip()


def _markup(source: Input) -> str:
    limit = source.options.max_characters
    with source.binary() as stream:
        raw = stream.read(4 * limit + 1)
    marked = next((encoding for mark, encoding in _MARKS if raw.startswith(mark)), None)
    encoding = source.options.encoding or marked or _declared(raw, source) or "utf-8"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise ReadError(
            f"is not {encoding} at byte {error.start}; convert the file to UTF-8, or name its encoding with --encoding.",
            path=source.path,
        ) from error
    if len(text) > limit:
        raise source.too_long("the page")
    return text


def _declared(raw: bytes, source: Input) -> str | None:
    found = _CHARSET.search(raw[:_HEAD])
    if found is None:
        return None
    label = found[1].decode("ascii", "replace")
    try:
        name = codecs.lookup(label).name
    except LookupError as error:
        raise ReadError(
            f"says that its encoding is '{label}', which is not known; name it with --encoding.", path=source.path
        ) from error
    return _MEANT.get(name, name)


def _flat(node: LexborNode | None) -> str:
    return "" if node is None else _SPACE.sub(" ", node.text(deep=True)).strip()
