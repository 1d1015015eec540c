"""A Ray cluster to work on: one that runs, or one started here for as long as it is needed."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
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
#: Seconds in which a cluster's machine accepts a connection.
KNOCK = 10.0
#: Ray's sockets lie 60 characters below its folder, and the path of a socket may have 103 (macOS; Linux: 107).
LONGEST_FOLDER = 43

#: What Ray has to say of a cluster it prints to standard output, where --json has its object; a death is logged by `Crew`.
#: Read once, when ray is imported.
_QUIET = {"RAY_DEDUP_LOGS_SKIP_REGEX": "."}
#: A Ray started here would send usage statistics.
_PRIVATE = {"RAY_USAGE_STATS_ENABLED": "0"}


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
        stack.enter_context(_environment({**_QUIET, **_PRIVATE} if is_local else _QUIET))
        ray = import_ray()
        if not is_local:
            _knock(str(address))
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
        stack.enter_context(_terminating_as_before())
        try:
            with _loopback() if is_local else nullcontext():
                context = ray.init(address, **options)
        # Ray says by OSError and RuntimeError alike that nobody is there.
        except (OSError, RuntimeError, ValueError) as error:
            raise _nobody(str(address), error) from error
        stack.callback(ray.shutdown)
        if is_local and not str(context.address_info["node_ip_address"]).startswith("127."):
            log.warning("this Ray does not stay on loopback when told to; other machines can reach it.")
        yield Cluster(workers or _cores(ray), is_local)


def _knock(address: str) -> None:
    """Raise ConfigError when nobody listens at HOST:PORT: Ray would try for minutes, and fill the screen meanwhile."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return  # "auto", or something that Ray may know
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK).close()
    except OSError as error:
        raise _nobody(address, error) from error


def _nobody(address: str, error: Exception) -> ConfigError:
    if address == "local":
        return ConfigError(f"Ray could not be started here ({quote(error)}); is the folder of temporary files full?")
    return ConfigError(
        f"no Ray cluster could be used at {address!r} ({quote(error)}); start one with `ray start --head`, and "
        "`ray start --address` on the other machines, this one included. A cluster with tokens wants RAY_AUTH_MODE=token."
    )


@contextmanager
def _terminating_as_before() -> Iterator[None]:
    """Give SIGTERM its handler back at the end: Ray puts its own in the place of the program's."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


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
def _loopback() -> Iterator[None]:
    """Have a Ray that starts meanwhile listen on 127.0.0.1.

    It takes the address by which others see this machine, and puts that in the place of a 127.0.0.1 that it is given, unless
    it is told that there are no clusters: what it does on macOS and Windows by itself, so that no firewall asks.
    """
    from ray._private import ray_constants

    before = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before


@contextmanager
def _folder() -> Iterator[str | None]:
    """A folder for Ray's logs and sockets, removed at the end; None, for Ray's own choice, where its path is too long."""
    if sys.platform == "win32" or len(tempfile.gettempdir()) + len("/hippomem-ray-12345678") > LONGEST_FOLDER:
        yield None
        return
    # A process of Ray's may write its last log line while the folder goes.
    with tempfile.TemporaryDirectory(prefix="hippomem-ray-", ignore_cleanup_errors=True) as folder:
        yield folder
