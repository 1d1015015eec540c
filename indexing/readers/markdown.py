"""Markdown: a file is a document; its title is the front matter's, or the first heading."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import yaml

from hippomem.errors import InputError, ReadError
from hippomem.text.dates import parse_date
from hippomem.types import Document
from indexing.readers.inputs import Entries, Input, read_whole
from indexing.readers.plain import whole_document

_FRONT = re.compile(r"---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_KEY = re.compile(r"\s*(?:#.*\n\s*)*[\w-]+[ \t]*:(?:\s|$)")
_DEPTH = 20
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")
#: What a title is written with and does not say: links, emphasis, code, an anchor.
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKS = re.compile(r"\*+|`+|~~|[ \t]*\{#[\w-]+\}$")
_UNDERLINE = re.compile(r" {0,3}(?:=+|-+)[ \t]*$")


def read(source: Input) -> Entries:
    """The file as one document. A heading that opens the text is its title and leaves the text; marks stay in it.

    Front matter is metadata (times as ISO 8601); its ``title``, ``_id`` and ``date`` are the document's.
    """
    front, body = split_front_matter(source, read_whole(source))
    title, rest = split_heading(body)
    named = front.pop("title", None)
    source_id = front.pop("_id", None)
    when = front.get("date")
    document = Document(
        text=rest if rest.strip() else body,
        title=title if named is None else str(named),
        source_id=source.source_id() if source_id in (None, "") else str(source_id),
        occurred_at=None if when is None else parse_date(str(when)),
        metadata=front,
    )
    if named is not None and str(named) != title:
        document = replace(document, text=body)  # the heading says something of its own
    yield whole_document(source, document)


def split_front_matter(source: Input, text: str) -> tuple[dict[str, Any], str]:
    """The YAML mapping between ``---`` lines at the beginning, if any, and what follows. Raises ReadError when broken."""
    found = _FRONT.match(text)
    if found is None or not _KEY.match(found[1]):  # a rule above the text, no front matter
        return {}, text
    try:
        _check_yaml(found[1])
        values = yaml.safe_load(found[1])
        if not isinstance(values, dict):
            raise InputError("it is no mapping")
        values = _plain(values)
    except (yaml.YAMLError, InputError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ReadError(
            f"has front matter that is no YAML ({reason}); quote values that hold a colon, or leave the front matter out.",
            path=source.path,
            line=1,
        ) from error
    return {name: value for name, value in values.items() if value is not None}, text[found.end() :]


def _check_yaml(text: str) -> None:
    """Raise InputError for what is short and takes all memory (references that unfold) or minutes (deep nesting)."""
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise InputError("it holds references (*name)")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEPTH:
            raise InputError(f"it is nested more than {_DEPTH} deep")


def split_heading(text: str) -> tuple[str, str]:
    """The first heading outside of code, and *text* without it if nothing stands before it.

    >>> split_heading("# The mill #\\n\\nIt grinds."), split_heading("It grinds.\\n\\nMore\\n----\\n")
    (('The mill', '\\nIt grinds.'), ('More', 'It grinds.\\n\\nMore\\n----\\n'))
    """
    lines = text.split("\n")
    fence = ""
    before = False
    for at, line in enumerate(lines):
        if found := _FENCE.match(line):
            mark = found[1]
            if not fence:
                fence = mark
            elif mark.startswith(fence) and not line.strip(" " + fence[0]):
                fence = ""
        elif not fence:
            title, length = _heading(lines, at)
            if title:
                return _LINK.sub(r"\1", _MARKS.sub("", title)), text if before else "\n".join(lines[at + length :])
        before = before or bool(line.strip())
    return "", text


def _heading(lines: list[str], at: int) -> tuple[str, int]:
    """The heading that begins at a line and how many lines it takes; ("", 0) for none."""
    if found := _HEADING.match(lines[at]):
        return found[1].strip(), 1
    below = lines[at + 1] if at + 1 < len(lines) else ""
    is_alone = at == 0 or not lines[at - 1].strip()  # longer paragraphs above a line are no titles
    if is_alone and lines[at].strip() and _UNDERLINE.match(below) and not _UNDERLINE.match(lines[at]):
        return lines[at].strip(), 2
    return "", 0


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, str | int | float) else str(value)
