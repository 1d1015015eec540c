"""schemathesis reads the OpenAPI description and sends what fits it and what does not: no 5xx, no answer undescribed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hippomem.server.access import Keys
from hippomem.store import Store
from tests.server.rest.conftest import serving

pytest.importorskip("schemathesis", reason="schemathesis is not installed")


def run(tmp_path: Path, *options: str) -> tuple[int, str]:
    """The number of generated requests, and the report, which must tell of no failure.

    Every check is on but one: descriptions cannot say all that a request must be (a namespace is printable, a date is real).
    """
    path = tmp_path / "notes.hippo"
    with Store.open(path) as store:
        _, key = Keys(store).create("schemathesis", "admin")
    with serving(path) as server:
        server.client.headers["authorization"] = f"Bearer {key}"
        server.add("Comet Sorrel was discovered at Gull Rock Observatory.", source_id="0")
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json", "--no-color"]
        command += ["-H", f"Authorization: Bearer {key}", "--exclude-checks", "positive_data_acceptance", *options]
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert server.client.get("/readyz").status_code == 200
    report = ran.stdout + ran.stderr
    assert ran.returncode == 0, report
    generated = re.search(r"(\d+) generated, (\d+) passed", report)
    assert generated is not None, report
    return int(generated[1]), report


def test_a_few_hundred_requests(tmp_path: Path) -> None:
    """Every operation answers as described, to good and to bad requests."""
    generated, report = run(tmp_path, "--phases", "examples,fuzzing", "-n", "12", "--seed", "1")
    assert generated >= 150, report


@pytest.mark.slow
def test_thousands_of_requests_in_all_phases(tmp_path: Path) -> None:
    """Examples, boundary values, fuzzing and sequences of calls: at least 2,000 requests."""
    generated, report = run(tmp_path, "-n", "100", "--continue-on-failure")
    assert generated >= 2000, report
