"""Files of any bytes under any ending: documents, or an error of ours, and nothing else."""

from __future__ import annotations

import contextlib
import gzip
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hippomem.errors import ReadError
from indexing.readers import read_path
from indexing.validation import check_document


@pytest.fixture(scope="session")
def good(write_pdf: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A file of each format that is as it should be."""
    pa = pytest.importorskip("pyarrow")
    parquet = io.BytesIO()
    pytest.importorskip("pyarrow.parquet").write_table(pa.table({"text": ["a", "b"], "tags": [["x"], []]}), parquet)
    return {
        "jsonl": b'{"_id": "1", "text": "a", "metadata": {"session": "s", "date": "2024-05-08"}}\n{"text": "b"}\n',
        "jsonl.gz": gzip.compress(b'{"text": "a"}\n' * 20),
        "csv": b'text,date\n"a ""b""\nc",2024-05-08\nd,e\n',
        "tsv": b"text\ttitle\na\tb\n",
        "parquet": parquet.getvalue(),
        "txt": "café 北京\n".encode(),
        "md": b"---\ntitle: a\ntags: [b, c]\n---\n# D\n\ne\n```\n# f\n```\nG\n---\n",
        "html": b"<meta charset=utf-8><title>a</title><p>b<br>c<pre> d</pre><table><td>e<td>f</table>",
        "pdf": write_pdf(tmp_path_factory.mktemp("pdf") / "a.pdf", ["one", "two", None], title="T").read_bytes(),
    }


ENDINGS = ["jsonl", "jsonl.gz", "csv", "tsv", "parquet", "txt", "md", "html", "pdf"]


def read(ending: str, raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a.{ending}"
        path.write_bytes(raw)
        with contextlib.suppress(ReadError):
            for document in read_path(path, on_bad=lambda error: None):
                check_document(document)


@pytest.mark.parametrize("ending", ENDINGS)
@given(raw=st.binary(max_size=200))
@settings(max_examples=50, deadline=None)
def test_any_bytes(ending: str, raw: bytes) -> None:
    """What no program wrote."""
    read(ending, raw)


@pytest.mark.parametrize("ending", ENDINGS)
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_a_good_file_that_was_damaged(good: dict[str, bytes], ending: str, data: st.DataObject) -> None:
    """A piece is missing, or other bytes stand in its place."""
    raw = good[ending]
    start = data.draw(st.integers(0, len(raw)))
    stop = data.draw(st.integers(start, min(len(raw), start + 40)))
    read(ending, raw[:start] + data.draw(st.binary(max_size=8)) + raw[stop:])
