"""A disk that is really full: 507, nothing half-written, reading goes on, and so does writing once there is room."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hippomem import Memory
from hippomem.testing import HashEmbedder
from tests.server.rest.conftest import error_of, serving


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB; skips where none may be mounted."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    ran = (
        None if mount is None else subprocess.run([mount, "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], check=False)
    )
    if ran is None or ran.returncode != 0:
        pytest.skip("a small file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)  # noqa: S607 - where mount is, umount is


def test_a_full_disk(small_disk: Path) -> None:
    """Adds until nothing fits: what was acknowledged is there, what was refused is not."""
    path = small_disk / "notes.hippo"
    with serving(path, expire_every=1000) as server:
        kept = server.add("Comet Sorrel was discovered at Gull Rock Observatory.")
        text = "The harbour has a crane, and the crane has a driver. " * 40
        for n in range(500):
            answer = server.client.post(
                "/v1/memories", json={"memories": [{"text": f"{n}.{m} {text}"} for m in range(3)]}
            )
            if answer.status_code != 201:
                break
            kept += answer.json()["memory_ids"]
        assert error_of(answer) == (507, "StoreFullError")
        refused = [f"{n}.{m} {text}" for m in range(3)]
        assert error_of(server.client.post("/v1/memories", json={"text": text * 20})) == (507, "StoreFullError")
        listed = server.client.get("/v1/memories", params={"limit": 1000}).json()["memories"]
        # Memories are stored before they are indexed: those of a refused request may wait, whole, for room; all or none.
        waiting = [each["text"] for each in listed if each["memory_id"] not in kept]
        assert sorted(waiting) in ([], sorted(refused), sorted([*refused, text * 20]))
        assert set(kept) <= {each["memory_id"] for each in listed}
        assert server.found("Where was Comet Sorrel discovered?", k=1)
        assert server.client.get("/readyz").status_code == 200
        subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)  # noqa: S607
        kept += server.add("There is room again.")
        assert "There is room again." in server.found("room")
        again = server.client.post("/v1/memories", json={"memories": [{"text": each} for each in refused]}).json()
        assert again["duplicates"] == len([each for each in refused if each in waiting])
    with Memory(path, embedder=HashEmbedder()) as memory:
        assert memory.check().is_sound
        assert memory.count() == len({*kept, *again["memory_ids"]}) + (text * 20 in waiting)
        assert memory.stats().pending == 0
