"""What a server is told when it starts, and how its worker processes hear of it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, MutableMapping
from dataclasses import asdict, dataclass
from typing import Any

from hippomem.errors import ConfigError

#: One variable with all settings as JSON: workers are told exactly what their parent was, whatever it came from.
VARIABLE = "HIPPOMEM_SERVER"
PORT = 8765


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Everything that a server process must know.

    store: path of the store's file.    embedder: as in `hippomem.models.load.load_embedder`; None for the default.
    host, port: where it listens (port 0: any free one).    workers: processes.
    allow_hosts, allow_origins: names it is served under besides loopback and *host*.
    rate: requests a minute and key, in each process; 0 for no limit.    max_body: bytes of a request's body.
    freshness: whether what was said later ranks before what it contradicts.    expire_every: seconds between two looks for
    memories that have expired.    parent: process that started this one, if it is to end with it.
    """

    store: str
    embedder: str | None = None
    host: str = "127.0.0.1"
    port: int = PORT
    workers: int = 1
    allow_hosts: tuple[str, ...] = ()
    allow_origins: tuple[str, ...] = ()
    rate: int = 600
    max_body: int = 16 * 2**20
    freshness: bool = True
    expire_every: float = 5.0
    parent: int | None = None

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise ConfigError(f"workers={self.workers} was asked for; a server needs at least one.")
        if self.rate < 0:
            raise ConfigError(f"rate={self.rate} was asked for; give requests a minute, or 0 for no limit.")
        if self.max_body < 1:
            raise ConfigError(f"max_body={self.max_body} was asked for; give a number of bytes, at least 1.")
        if not 0 <= self.port <= 65535:
            raise ConfigError(f"port={self.port} was asked for; ports are 1 to 65535, or 0 for any free one.")

    def to_environment(self, environment: MutableMapping[str, str] = os.environ) -> None:
        """Leave the settings to the processes that are started from here."""
        environment[VARIABLE] = json.dumps(asdict(self))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> ServerSettings:
        """The settings that a parent left; without, those of HIPPOMEM_STORE and HIPPOMEM_EMBEDDER.

        Raises ConfigError when there are none.
        """
        if VARIABLE in environment:
            told: dict[str, Any] = json.loads(environment[VARIABLE])
            for name in ("allow_hosts", "allow_origins"):
                told[name] = tuple(told[name])
            return cls(**told)
        if not environment.get("HIPPOMEM_STORE"):
            raise ConfigError("no store is named; set HIPPOMEM_STORE to its file, or start with `hippomem serve`.")
        return cls(store=environment["HIPPOMEM_STORE"], embedder=environment.get("HIPPOMEM_EMBEDDER") or None)
