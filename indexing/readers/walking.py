"""The files below a folder, in an order that does not depend on the file system."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from hippomem.errors import ReadError

#: What a name is matched with, one folder a part; ``**`` stands for any number of folders.
Pattern = tuple[str, ...]
EVERYTHING: Pattern = ("**",)


def walk(root: Path, pattern: Pattern = EVERYTHING) -> Iterator[tuple[str, Path] | ReadError]:
    """(path below *root* with ``/``, file) of every file that matches, sorted by the parts of that path.

    Hidden files and folders are passed over where the pattern does not name them, and so is a link to a folder that is
    read anyway: inside of *root* (there are the loops), or outside and seen before. Yields a ReadError for a folder that
    cannot be listed and for a link that leads nowhere.
    """
    home = root.resolve()
    seen: set[Path] = set()
    folders: list[tuple[tuple[str, ...], Path, Iterator[str]]] = []  # from *root* down, with what is left to visit

    def enter(parts: tuple[str, ...], path: Path) -> None:
        if parts and path.is_symlink():
            target = path.resolve()
            if target.is_relative_to(home) or home.is_relative_to(target) or target in seen:
                return
            seen.add(target)
        folders.append((parts, path, iter(sorted((entry.name for entry in path.iterdir()), key=_order))))

    try:
        enter((), root)
    except OSError as error:
        yield ReadError(f"cannot be read: {error.strerror}", path=root)
    while folders:
        above, folder, names = folders[-1]
        name = next(names, None)
        if name is None:
            folders.pop()
            continue
        parts, path = (*above, name), folder / name
        if not matches(parts, pattern, beginning=True):
            continue
        try:
            if path.is_dir():
                enter(parts, path)
            elif not matches(parts, pattern):
                continue
            elif path.is_file():
                yield "/".join(parts), path
            elif path.is_symlink():
                yield ReadError("is a link that leads nowhere; mend or remove it.", path=path)
        except OSError as error:
            yield ReadError(f"cannot be read: {error.strerror}", path=path)


def matches(parts: tuple[str, ...], pattern: Pattern, *, beginning: bool = False) -> bool:
    """Whether a path matches; beginning: whether a path below it could. Wildcards match no dot at the start of a name.

    >>> matches(("a", "b", "c.md"), ("**", "*.md")), matches((".git", "c.md"), ("**", "*.md"))
    (True, False)
    >>> matches(("a",), ("a", "*.md")), matches(("a",), ("a", "*.md"), beginning=True)
    (False, True)
    """
    if not parts:
        return beginning or not pattern
    if not pattern:
        return False
    is_hidden = parts[0].startswith(".")
    if pattern[0] == "**":
        deeper = not is_hidden and matches(parts[1:], pattern, beginning=beginning)
        here = matches(parts, pattern[1:] or ("*",), beginning=beginning)
        return deeper or here
    if is_hidden and not pattern[0].startswith("."):
        return False
    return fnmatchcase(parts[0], pattern[0]) and matches(parts[1:], pattern[1:], beginning=beginning)


def _order(name: str) -> tuple[str, str]:
    return unicodedata.normalize("NFC", name), name
