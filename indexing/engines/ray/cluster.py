"""A Ray cluster to work on: one that runs, or one started here for as long as it is needed."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from hippomem.errors import ConfigError
from hippomem.models.minilm import usable_cores
from hippomem.models.openai_errors import quote

log = logging.getLogger("hippomem.ray")

#: Actors and objects of ours are not those of others who use the cluster.
NAMESPACE = "hippomem"
#: Shared memory of a Ray started here: texts and vectors of the chunks under way. Ray's default is 30% of the machine's.
STORE_BYTES = 256 * 2**20
#: Ray's sockets lie 60 characters below its folder, and the path of a socket may have 103 (macOS; Linux: 107).
LONGEST_FOLDER = 43

#: Ray reads these once, when it is imported. It prints what it has to say of a cluster to standard output, where --json
#: has its object; a death is logged by `Crew`.
_QUIET = {"RAY_DEDUP_LOGS_SKIP_REGEX": "."}
#: For a Ray started here. It would send usage statistics. And it listens on the address by which other machines see this
#: one, unless "clusters" are switched off: so named, the switch works on Linux too, and everything stays on loopback.
_LOCAL = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}


@dataclass(frozen=True)
class Cluster:
    """What `connect` hands out. workers: how many actors are to work.    is_local: started here, and for this."""

    workers: int
    is_local: bool


@contextmanager
def connect(address: str | None = None, workers: int | None = None) -> Iterator[Cluster]:
    """Connect this process to Ray, and take what was started here down again at the end.

    address: ``HOST:PORT`` of a cluster that this machine is part of, ``auto`` for the one that runs on it; default:
    RAY_ADDRESS, else a Ray of its own, on loopback. When the process is connected already, that connection is used.
    workers: default one a core: of the cluster, or of this machine.
    Raises ConfigError: ray is not installed, no cluster is there, or workers < 1.
    """
    if workers is not None and workers < 1:
        raise ConfigError(f"{workers} Ray workers were asked for; ask for at least 1.")
    address = address or os.environ.get("RAY_ADDRESS")
    is_local = address in (None, "", "local")
    with ExitStack() as stack:
        stack.enter_context(_environment({**_QUIET, **_LOCAL} if is_local else _QUIET))
        ray = import_ray()
        if ray.is_initialized():
            yield Cluster(workers or _cores(ray), is_local=False)
            return
        options: dict[str, Any] = {
            "log_to_driver": False,
            "logging_level": logging.ERROR,
            "namespace": NAMESPACE,
        }
        if is_local:
            address = "local"
            options |= {
                "num_cpus": workers or usable_cores(),
                "include_dashboard": False,
                "object_store_memory": STORE_BYTES,
                "_temp_dir": stack.enter_context(_folder()),
            }
        try:
            context = ray.init(address, **options)
        # Ray says by OSError and RuntimeError alike that nobody is there.
        except (OSError, RuntimeError, ValueError) as error:
            raise ConfigError(
                f"no Ray cluster could be used at {address!r} ({quote(error)}); start one with `ray start --head`, "
                "and `ray start --address` on the other machines, this one included."
            ) from error
        stack.callback(ray.shutdown)
        if is_local and not str(context.address_info["node_ip_address"]).startswith("127."):
            log.warning("Ray was imported before it could be told to stay on loopback; other machines can reach it.")
        yield Cluster(workers or _cores(ray), is_local)


def import_ray() -> Any:
    """The ray package. Raises ConfigError when it is not installed."""
    try:
        import ray
    except ImportError as error:
        raise ConfigError("the engine 'ray' needs the extra of that name: pip install 'hippomem[ray]'") from error
    return ray


def _cores(ray: Any) -> int:
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """These variables, where the user has not set them, until the end."""
    mine = {name: value for name, value in settings.items() if name not in os.environ}
    os.environ.update(mine)
    try:
        yield
    finally:
        for name in mine:
            os.environ.pop(name, None)


@contextmanager
def _folder() -> Iterator[str | None]:
    """A folder for Ray's logs and sockets, removed at the end; None, for Ray's own choice, where its path is too long."""
    if sys.platform == "win32" or len(tempfile.gettempdir()) + len("/hippomem-ray-12345678") > LONGEST_FOLDER:
        yield None
        return
    # A process of Ray's may write its last log line while the folder goes.
    with tempfile.TemporaryDirectory(prefix="hippomem-ray-", ignore_cleanup_errors=True) as folder:
        yield folder
