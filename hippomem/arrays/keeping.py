"""Keeps the picture of a namespace up to date, and its files beside the store."""

from __future__ import annotations

import logging
import sqlite3
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

from hippomem.arrays import files
from hippomem.arrays.build import build, room
from hippomem.arrays.files import Generations, Origin, UnusableError, Writer
from hippomem.arrays.picture import BASE_PASSAGES, PASSAGES, Picture
from hippomem.arrays.update import update
from hippomem.errors import StoreError
from hippomem.graph.rows import NoRoomError
from hippomem.store import Store, changes

_log = logging.getLogger("hippomem.arrays")

#: Passages from which a namespace is worth files: below, its arrays are made from the store in a fifth of a second.
FILES_FROM = 1000
#: Changed rows that a process which opens the store would have to follow, from which a new generation is written.
MERGE_AT = 8000
#: A picture is made anew, with more room, when so much of the room of its arrays is in use.
_CRAMPED = 0.5


class PictureKeeper:
    """Opens, follows and renews the picture of one namespace. One thread at a time."""

    def __init__(self, store: Store, namespace: str) -> None:
        self._store, self._namespace = store, namespace
        self._picture: Picture | None = None
        self._seen = (-1, -1)
        self._namespace_key = -1
        #: The change up to which the newest files are; -1 for none.
        self._written = -1
        self._merging: threading.Thread | None = None
        #: The change at which a thread last began to write; -1 for none.
        self._tried = -1
        self._temporary: tempfile.TemporaryDirectory[str] | None = None

    def current(self) -> Picture:
        """The picture as of the newest commit: edited in place by what changed, or else a new one."""
        version = self._version()
        if self._picture is not None and version == self._seen:
            return self._picture
        with self._store.reading() as db:
            found = self._store.namespace_key(self._namespace)
            namespace_key = -1 if found is None else found
            if namespace_key != self._namespace_key:
                self._picture, self._namespace_key = None, namespace_key
            newest = changes.newest_sequence(db)
            picture = self._picture
            if (
                picture is not None
                and self._cramped(picture)
                and self._merging is None
                and self._written > picture.base
            ):
                picture = None  # made anew meanwhile, with more room
            if picture is None:
                picture = self._from_files(newest)
            if picture is not None and picture.sequence != newest and not self._follow(picture, newest):
                picture = None
            if picture is None:
                picture = self._anew(db, newest)
            self._picture, self._seen = picture, version
        self._merge_later(picture)
        return picture

    def _version(self) -> tuple[int, int]:
        """Another one when anybody may have written: what others committed, and what this connection changed."""
        db = self._store.db
        return int(db.execute("PRAGMA data_version").fetchone()[0]), db.total_changes

    # -- opening ------------------------------------------------------------------------------------------------------

    @property
    def _generations(self) -> Generations | None:
        """Where files are kept; None for a store in memory."""
        folder = self._store.arrays_folder
        return None if folder is None else Generations(folder, self._namespace_key)

    def _origin(self, sequence: int) -> Origin | None:
        return origin_of(self._store, self._namespace_key, sequence)

    def _from_files(self, newest: int) -> Picture | None:
        """The newest generation that is of this store and that the log of changes leads on from."""
        generations = self._generations
        tried: set[Path] = set()
        # Listed again after each that fails: another process may have put a newer one in its place meanwhile.
        while generations is not None:
            folder = next((each for each in generations.newest_first() if each not in tried), None)
            if folder is None:
                break
            tried.add(folder)
            try:
                arrays, origin = files.read(folder)
                if origin.sequence > newest or origin != self._origin(origin.sequence):
                    raise UnusableError(f"{folder} was not made from this store as it is now")
            except UnusableError as error:
                _log.warning("files beside the store are passed over: %s", error)
                continue
            self._written = origin.sequence
            return Picture(arrays)
        return None

    def _follow(self, picture: Picture, newest: int) -> bool:
        """Edit the picture; False when a new one is less work, or the only way."""
        found = changes.since(self._store.db, picture.sequence, at_most=max(1000, picture.live))
        if found is None:
            return False
        try:
            update(picture, self._store.db, self._namespace_key, found, newest)
        except NoRoomError:
            return False
        return True

    def _anew(self, db: sqlite3.Connection, newest: int) -> Picture:
        """A picture made from the store: in files where it is large, in memory where it is small."""
        count = "SELECT count(*) FROM passages WHERE namespace_key = ? AND state IN ('ready', 'failed')"
        large = db.execute(count, (self._namespace_key,)).fetchone()[0] >= FILES_FROM
        origin, generations = self._origin(newest), self._generations
        if not large or origin is None or generations is None:
            return Picture(build(db, self._namespace_key, self._dimension, newest))
        try:
            picture = self._anew_in_files(db, generations, origin)
            self._written = newest
        except OSError as error:
            _log.warning("no files can be kept beside the store (%s); they are made for this process alone", error)
            self._temporary = tempfile.TemporaryDirectory(prefix="hippomem-", ignore_cleanup_errors=True)
            elsewhere = Generations(Path(self._temporary.name), self._namespace_key)
            picture = self._anew_in_files(db, elsewhere, origin)
        return picture

    @property
    def _dimension(self) -> int:
        return int((self._store.setting("embedder") or {"dimension": 0})["dimension"])

    def _anew_in_files(self, db: sqlite3.Connection, generations: Generations, origin: Origin) -> Picture:
        """A picture made from the store in new files. Raises OSError."""

        def fill(writer: Writer) -> Origin:
            build(db, self._namespace_key, self._dimension, origin.sequence, writer.make)
            return origin

        arrays, _ = files.read(generations.write(fill))
        return Picture(arrays)

    # -- merging ------------------------------------------------------------------------------------------------------

    def _cramped(self, picture: Picture) -> bool:
        """Whether much of the room of an array is in use."""
        counts, base = picture.arrays.counts, int(picture.arrays.counts[BASE_PASSAGES])
        used = int(counts[PASSAGES]) - base
        edges, postings = picture.edges, picture.postings
        return any(
            in_use > _CRAMPED * free
            for in_use, free in (
                (used, room("passages", base)),
                (int(edges.used[0]) - edges.base, len(edges.following)),
                (int(postings.used[0]) - postings.base, len(postings.following)),
            )
        )

    def _merge_later(self, picture: Picture) -> None:
        """Have a thread write a new generation when the files are far behind, or nearly full."""
        if self._merging is not None and not self._merging.is_alive():
            self._merging = None
            with suppress(OSError):
                self._written = max(self._written, self._newest_written())
        behind = self._written >= 0 and picture.sequence - self._written > MERGE_AT
        full = self._cramped(picture) and self._written <= picture.base
        # A disk that was full just now is not filled again by every search.
        tried = self._tried >= 0 and picture.sequence - self._tried <= MERGE_AT
        if self._merging is None and self._temporary is None and self._written >= 0 and (behind or full) and not tried:
            self._tried = picture.sequence
            self._merging = threading.Thread(target=self._merge, args=(full,), name="hippomem-merge", daemon=True)
            self._merging.start()

    def _newest_written(self) -> int:
        generations = self._generations
        newest = [] if generations is None else generations.newest_first()
        return int(newest[0].name.partition(".")[2]) if newest else -1

    def _merge(self, anew: bool) -> None:
        """Write a generation from a connection of its own; searches go on with what they have.

        anew: from the store, with more room. Else the newest files with what came since, which is mostly copying.
        """
        try:
            with Store.open(self._store.path, create=False) as store:
                other = PictureKeeper(store, self._namespace)
                other._namespace_key = self._namespace_key
                with store.reading() as db:
                    newest = changes.newest_sequence(db)
                    picture = None if anew else other._from_files(newest)
                    if picture is not None and other._follow(picture, newest):
                        other.write(picture)
                        return
                    generations, origin = other._generations, other._origin(newest)
                    if generations is not None and origin is not None:
                        other._anew_in_files(db, generations, origin)
        except (OSError, StoreError) as error:
            _log.warning("no new files could be written (%s); the old ones stay, and are tried again", error)

    def write(self, picture: Picture) -> None:
        """Write the picture as a new generation, within one transaction. Raises OSError."""
        generations, origin = self._generations, self._origin(picture.sequence)
        if generations is None or origin is None:
            return

        def fill(writer: Writer) -> Origin:
            writer.copy(picture.arrays)
            return origin

        generations.write(fill)
        self._written = picture.sequence

    def close(self) -> None:
        """Let go of the picture; a merge that is running comes to its end first."""
        if self._merging is not None:
            self._merging.join()
        self._picture = None
        if self._temporary is not None:
            self._temporary.cleanup()


def origin_of(store: Store, namespace_key: int, sequence: int) -> Origin | None:
    """What files of that change are made from, within one transaction; None when the log does not reach back so far."""
    token, store_id = changes.token(store.db, sequence), store.setting("store_id")
    return None if token is None or store_id is None else Origin(store_id, namespace_key, sequence, token)
