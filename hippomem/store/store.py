"""The store: one SQLite file, opened whole or not at all, changed in transactions."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from hippomem.errors import (
    EmbedderMismatchError,
    NotAStoreError,
    SchemaTooNewError,
    StoreBusyError,
    StoreError,
    StoreFullError,
    StoreMissingError,
)
from hippomem.models.embedder import EmbedderIdentity
from hippomem.store import changes
from hippomem.store.migrations import applied_version, migrate, migrations

IN_MEMORY = ":memory:"
#: "HIPP": lets `file` and this class tell a store from any other SQLite file.
APPLICATION_ID = 0x48495050
#: Seconds to wait for another process's write to end before giving up.
BUSY_SECONDS = 30.0
#: Seconds that closing and forgetting wait for others before they leave what is due to whoever comes next.
TIDY_SECONDS = 1.0
#: Files up to this many bytes are purged at once after each forgetting, which takes well under a second; larger ones when
#: asked to (`Memory.purge`), because the cost grows with the file and not with what is forgotten.
PURGE_AT_ONCE = 64 * 2**20


class Store:
    """An open store. Make one with `Store.open`; close it, or use it as a context manager.

    ``db`` is in autocommit mode: change data inside ``with store.transaction():`` only. Methods may be called from several
    threads, one at a time is let in.
    """

    def __init__(self, db: sqlite3.Connection, path: str) -> None:
        self.db = db
        self.path = path
        self._lock = threading.RLock()
        self._depth = 0
        self._watched = False
        self._aside = 0

    @classmethod
    def open(cls, path: str | Path, *, create: bool = True) -> Store:
        """Open the store at *path* (or ``":memory:"``), creating it if *create*.

        Raises StoreMissingError, NotAStoreError, SchemaTooNewError, StoreError (unwritable folder), StoreBusyError.
        """
        name = str(path)
        if name != IN_MEMORY:
            file = Path(path)
            if file.is_dir():
                raise NotAStoreError(f"'{file}' is a folder, not a hippomem store; give the path of a file.")
            if not file.exists():
                if not create:
                    raise StoreMissingError(
                        f"there is no store at '{file}'; create one with `hippomem index` or `add`."
                    )
                if not file.absolute().parent.is_dir():
                    raise StoreMissingError(f"the folder of '{file}' does not exist; create it first.")
        try:
            db = sqlite3.connect(name, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        except sqlite3.OperationalError as error:
            raise StoreError(f"'{name}' cannot be opened: {error}; check the folder's permissions.") from error
        store = cls(db, name)
        until = time.monotonic() + BUSY_SECONDS
        try:
            while True:
                try:
                    store._prepare(create)
                except StoreBusyError:
                    # SQLite does not wait for a lock where waiting could be for ever, as when a new file is set to WAL.
                    if time.monotonic() >= until:
                        raise
                    time.sleep(0.02)
                else:
                    return store
        except BaseException:
            db.close()
            raise

    def _prepare(self, create: bool) -> None:
        try:
            with self.reading():  # one picture: another process may be making the store at this moment
                is_empty = self.db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
                application = self.db.execute("PRAGMA application_id").fetchone()[0]
            if is_empty and not create and self.path != IN_MEMORY:
                raise NotAStoreError(f"'{self.path}' is an empty file, not a hippomem store; choose another path.")
            if application != APPLICATION_ID and not is_empty:
                raise NotAStoreError(f"'{self.path}' is an SQLite file but not a hippomem store; choose another path.")
            known = migrations()[-1].version
            if (version := applied_version(self.db)) > known:
                raise SchemaTooNewError(
                    f"'{self.path}' has schema version {version}, this hippomem knows up to {known}; "
                    "update hippomem (nothing was changed)."
                )
            # secure_delete: what is forgotten is overwritten with zeros, not merely unlinked.
            self.db.execute("PRAGMA secure_delete = ON")
            self.db.execute("PRAGMA foreign_keys = ON")
            # SQLite's own 2 MB would not hold the inner pages of a million passages; memory is taken as it is needed.
            self.db.execute("PRAGMA cache_size = -65536")
            if is_empty or version < known:
                self.db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                if self.path != IN_MEMORY:
                    self.db.execute("PRAGMA journal_mode = WAL")
                migrate(self.db)
            self.db.execute("PRAGMA synchronous = FULL")
        except sqlite3.DatabaseError as error:
            raise _as_store_error(error, self.path) from error

    @property
    def arrays_folder(self) -> Path | None:
        """Where files made from this store are kept (`hippomem.arrays`); None for a store in memory."""
        return None if self.path == IN_MEMORY else Path(f"{self.path}-arrays")

    @property
    def schema_version(self) -> int:
        """The newest migration applied."""
        return applied_version(self.db)

    @contextmanager
    def transaction(self, *, aside: bool = False) -> Iterator[sqlite3.Connection]:
        """All or nothing. Nests: an inner transaction is a savepoint, undone alone when it raises.

        aside: it writes nothing that an indexer remembers (`picture`).

        Raises StoreBusyError when another process keeps the write lock for ``BUSY_SECONDS``.
        """
        with self._lock:
            name = f"level{self._depth}"
            try:
                if not self._watched:
                    changes.watch(self.db)
                    self._watched = True
                self.db.execute("BEGIN IMMEDIATE" if self._depth == 0 else f"SAVEPOINT {name}")
            except sqlite3.OperationalError as error:
                raise _as_store_error(error, self.path) from error
            self._depth += 1
            before = self.db.total_changes
            try:
                yield self.db
                if self._depth == 1:
                    changes.record(self.db)
                self.db.execute("COMMIT" if self._depth == 1 else f"RELEASE {name}")
            except BaseException as error:
                # A full disk can end the transaction by itself; then there is nothing left to undo.
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK" if self._depth == 1 else f"ROLLBACK TO {name}")
                    if self._depth > 1:
                        self.db.execute(f"RELEASE {name}")
                if isinstance(error, sqlite3.DatabaseError):
                    raise _as_store_error(error, self.path) from error
                raise
            finally:
                self._depth -= 1
                if aside and self._depth == 0:
                    self._aside += self.db.total_changes - before

    def picture(self) -> tuple[int, int]:
        """Changes when anybody writes facts, names or words: another connection, or this one."""
        with self._lock:
            return self.db.execute("PRAGMA data_version").fetchone()[0], self.db.total_changes - self._aside

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent picture over several SELECTs, whatever other processes commit meanwhile. Nests."""
        with self._lock:
            if self.db.in_transaction:  # inside a transaction or another reading: the picture is fixed already
                yield self.db
                return
            try:
                self.db.execute("BEGIN")
                try:
                    yield self.db
                finally:
                    self.db.execute("COMMIT")
            except sqlite3.DatabaseError as error:
                raise _as_store_error(error, self.path) from error

    def setting(self, name: str, default: Any = None) -> Any:
        """A stored choice, decoded from JSON."""
        row = self.db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return default if row is None else json.loads(row[0])

    def set_setting(self, name: str, value: Any) -> None:
        """Store a choice."""
        self.db.execute(
            "INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, json.dumps(value, sort_keys=True, ensure_ascii=False)),
        )

    def set_embedder(self, identity: EmbedderIdentity) -> None:
        """Record the model that makes this store's vectors."""
        self.set_setting("embedder", {**asdict(identity), "probe": list(identity.probe)})

    def check_embedder(self, identity: EmbedderIdentity) -> None:
        """Record *identity* in a new store; in an old one raise EmbedderMismatchError unless it is the same model."""
        stored = self.setting("embedder")
        if stored is None:
            with self.transaction():
                self.set_embedder(identity)
            return
        before = EmbedderIdentity(**{**stored, "probe": tuple(stored["probe"])})
        if not before.is_model_of(identity):
            raise EmbedderMismatchError(
                f"'{self.path}' was embedded with {before.described}, but {identity.described} was given. Open it with the "
                f"first, or move all memories to the second: hippomem reembed --store {self.path} --embedder {identity.name}"
            )

    def namespace_key(self, name: str, *, create: bool = False) -> int | None:
        """The row of a namespace; None when there is none and *create* is false."""
        row = self.db.execute("SELECT namespace_key FROM namespaces WHERE name = ?", (name,)).fetchone()
        if row is not None:
            return int(row[0])
        if not create:
            return None
        newest = int(self.db.execute("SELECT coalesce(max(namespace_key), 0) FROM namespaces").fetchone()[0])
        # Never one that a forgotten namespace had: another process may still hold what it read of that.
        key = max(newest, int(self.setting("namespaces_made", 0))) + 1
        self.db.execute("INSERT INTO namespaces (namespace_key, name) VALUES (?, ?)", (key, name))
        self.set_setting("namespaces_made", key)
        return key

    def namespaces(self) -> list[str]:
        """Names of all namespaces, sorted."""
        return [row[0] for row in self.db.execute("SELECT name FROM namespaces ORDER BY name")]

    def generation(self, namespace_key: int) -> int:
        """How many changes of the namespace have been committed."""
        row = self.db.execute("SELECT generation FROM namespaces WHERE namespace_key = ?", (namespace_key,)).fetchone()
        return -1 if row is None else int(row[0])

    def bump_generation(self, namespace_key: int) -> None:
        """Say that this transaction changes what a search in the namespace may return."""
        self.db.execute("UPDATE namespaces SET generation = generation + 1 WHERE namespace_key = ?", (namespace_key,))

    def size_in_bytes(self) -> int:
        """Size of the database, pages not yet checkpointed included."""
        pages = self.db.execute("PRAGMA page_count").fetchone()[0]
        return int(pages * self.db.execute("PRAGMA page_size").fetchone()[0])

    def owe_purge(self) -> None:
        """Say, in the transaction that deletes, that copies of what it deletes may be left: see `purge`."""
        self.set_setting("purge_due", True)

    @property
    def purge_due(self) -> bool:
        """Whether the file may hold copies of deleted text, in places that no reader sees."""
        return bool(self.setting("purge_due", False))

    def purge(self, *, at_most: int | None = None) -> bool:
        """Leave no byte of what was deleted in any file; returns whether that is so now.

        secure_delete overwrites a deleted row, but not the copies of it that SQLite leaves in the unused middle of a page
        whenever rows move from page to page: only a file written anew is free of them (about 1 s for 100 MB).
        at_most: a file of more bytes is left for later, and so is one that another process is using just now.
        Raises StoreBusyError when another process writes for too long.
        """
        if self.path == IN_MEMORY or not self.purge_due:
            return True
        try:
            if at_most is not None and self.size_in_bytes() > at_most:
                self.purge_log()
                return False
            with self._lock, self._patience(BUSY_SECONDS if at_most is None else TIDY_SECONDS):
                self.db.execute("VACUUM")
                if not self.purge_log():
                    return False
                if self.arrays_folder is not None:  # vectors of what was deleted; who has the files open may read on
                    shutil.rmtree(self.arrays_folder, ignore_errors=True)
                self.set_setting("purge_due", False)
        except sqlite3.DatabaseError as error:
            if at_most is not None and _is_busy(error):
                return False
            raise _as_store_error(error, self.path) from error
        return True

    def purge_log(self) -> bool:
        """Empty the write-ahead log into the file, so that no old page image is left beside it; False if it is in use."""
        if self.path == IN_MEMORY:
            return True
        with self._patience(TIDY_SECONDS):
            busy, *_ = self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    @contextmanager
    def _patience(self, seconds: float) -> Iterator[None]:
        """Wait so long for others, instead of as long as otherwise."""
        before = self.db.execute("PRAGMA busy_timeout").fetchone()[0]
        self.db.execute(f"PRAGMA busy_timeout = {round(1000 * seconds)}")
        try:
            yield
        finally:
            self.db.execute(f"PRAGMA busy_timeout = {before}")

    def backup(self, path: str | Path) -> None:
        """Copy the store to *path* while others read and write it (SQLite's online backup)."""
        target = sqlite3.connect(str(path))
        try:
            self.db.backup(target)
        finally:
            target.close()

    def close(self) -> None:
        """Checkpoint and close: afterwards the one file is a whole copy. Closing twice is allowed."""
        with self._lock:
            with suppress(sqlite3.Error, StoreError):
                # Closed already, read-only, or in use elsewhere: then what is due stays due, and SQLite keeps it whole.
                self.purge(at_most=PURGE_AT_ONCE)
                self.purge_log()
            self.db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _is_busy(error: sqlite3.DatabaseError) -> bool:
    return "locked" in str(error) or "busy" in str(error)


def _as_store_error(error: sqlite3.DatabaseError, path: str) -> StoreError:
    message = str(error)
    if _is_busy(error):
        return StoreBusyError(
            f"another process has been writing to '{path}' for more than {BUSY_SECONDS:.0f} s; try again when it is done."
        )
    if "not a database" in message or "malformed" in message:
        return NotAStoreError(f"'{path}' is not a hippomem store ({message}); choose another path or restore a backup.")
    if "readonly" in message:
        return StoreError(f"'{path}' cannot be written ({message}); check the permissions of the file and its folder.")
    if "full" in message:
        return StoreFullError(
            f"the disk of '{path}' is full; what was stored before is safe, and nothing is half written. Make room and send "
            "this again: a text that was stored already, but not indexed, is indexed then."
        )
    return StoreError(f"'{path}': {message}")
