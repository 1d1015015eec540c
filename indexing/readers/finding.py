"""What a PATH means: a file, a folder, a pattern, or standard input."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from hippomem.errors import ConfigError, ReadError
from hippomem.types import CorpusFormat
from indexing.readers.formats import FORMATS, endings, format_of, require
from indexing.readers.inputs import STDIN, named_errors
from indexing.readers.options import ReadOptions
from indexing.readers.walking import EVERYTHING, Pattern, matches, walk

_CORPUS = ("corpus.jsonl", "corpus.jsonl.gz")
_SPECIAL = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Found:
    """The files of one PATH.

    root: the folder that their names are below.    files: (name, file), in order; a ReadError for what is in the way.
    holds: whether a name below *root* is one of them.    format: when their endings do not decide.
    """

    path: Path
    root: Path
    files: Callable[[], Iterator[tuple[str, Path] | ReadError]] = field(repr=False)
    holds: Callable[[str], bool] = field(repr=False)
    format: CorpusFormat | None = None

    def other(self, name: str, path: Path) -> Path | None:
        """The file of that name here, unless it is *path* itself."""
        candidate = self.root / name
        is_other = self.holds(name) and candidate.is_file() and not candidate.samefile(path)
        return candidate if is_other else None


def find(paths: Sequence[str | Path], options: ReadOptions) -> list[Found]:
    """What each path means, before anything is read. Raises ReadError for what is not there, ConfigError for what cannot
    be read: an unknown ending, a missing extra.
    """
    if sum(Path(path) == STDIN for path in paths) > 1:
        raise ConfigError("standard input ('-') can be read once only; give '-' once.")
    found = []
    for path in map(Path, paths):
        with named_errors(path):
            found.append(_find(path, options))
    return found


def _find(path: Path, options: ReadOptions) -> Found:
    if path == STDIN:
        return _standard_input(options)
    if path.is_dir():
        return _folder(path, options)
    if path.exists():
        return _file(path, options)
    if _SPECIAL.intersection(str(path)):
        return _pattern(path, options)
    raise ReadError("no such file or folder.", path=path)


def _standard_input(options: ReadOptions) -> Found:
    name = options.format or "jsonl"
    if not FORMATS[name].is_stream:
        raise ConfigError(f"{name} cannot be read from standard input; give a file.")
    require(name)
    return Found(STDIN, Path(), lambda: iter([("-", STDIN)]), lambda name: False, name)


def _file(path: Path, options: ReadOptions) -> Found:
    name = options.format or format_of(path.name)
    if name is None:
        kind = f"files ending in '{path.suffix}'" if path.suffix else "files without an ending"
        raise ConfigError(f"'{path}': {kind} cannot be read; give {endings()}, a folder, or --format.")
    require(name)
    return Found(path, path.parent, lambda: iter([(path.name, path)]), lambda other: other == path.name, name)


def _folder(path: Path, options: ReadOptions) -> Found:
    corpora = _corpora([path]) or _corpora(sorted(below for below in path.iterdir() if below.is_dir()))
    if corpora and options.format in (None, "jsonl"):
        named = {file.relative_to(path).as_posix(): file for file in corpora}
        return Found(path, path, lambda: iter(named.items()), named.__contains__)

    def holds(name: str) -> bool:
        return matches(PurePath(name).parts, EVERYTHING) and format_of(name) is not None

    if options.format is None:
        return Found(path, path, lambda: walk(path), holds)
    # The lines of a .txt are documents if the caller says so.
    wanted = "text" if options.format == "lines" else options.format

    def of_format() -> Iterator[tuple[str, Path] | ReadError]:
        return (found for found in walk(path) if isinstance(found, ReadError) or format_of(found[0]) == wanted)

    return Found(path, path, of_format, holds, options.format)


def _corpora(folders: Sequence[Path]) -> list[Path]:
    """The corpus file of each BEIR folder among *folders*; one that is there packed and unpacked is read once."""
    there = ([file for name in _CORPUS if (file := folder / name).is_file()] for folder in folders)
    return [files[0] for files in there if files]


def _pattern(path: Path, options: ReadOptions) -> Found:
    parts: tuple[Any, ...] = path.parts
    fixed = next(i for i, part in enumerate(parts) if _SPECIAL.intersection(part))
    root = Path(*parts[:fixed])
    pattern: Pattern = tuple(
        part for i, part in enumerate(parts[fixed:]) if not (part == "**" and i > 0 and parts[fixed + i - 1] == "**")
    )
    if not root.is_dir():
        raise ReadError(f"no such folder: '{root}'.", path=path)
    if not any(not isinstance(found, ReadError) for found in walk(root, pattern)):
        raise ReadError(
            "matches no file; '**' stands for any number of folders, and '**/*.md' for all below.", path=path
        )
    return Found(
        path, root, lambda: walk(root, pattern), lambda name: matches(PurePath(name).parts, pattern), options.format
    )
