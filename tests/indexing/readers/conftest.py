"""Real files for the readers: PDF is written here by hand, since the library that reads it draws no text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

WritePdf = Callable[..., Path]


def pdf_bytes(pages: Sequence[str | bytes | None], title: str | None = None) -> bytes:
    """A PDF of pages of Latin text; None is a page without any, bytes are packed in a way that nobody knows."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    kids = []
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    for page in pages:
        escaped = "" if not isinstance(page, str) else page.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        shown = "".join(f"({line}) Tj T* " for line in escaped.split("\n")) if escaped else ""
        stream = f"BT /F1 12 Tf 14 TL 50 780 Td {shown}ET".encode("cp1252") if shown else b""
        packed = b""
        if isinstance(page, bytes):
            stream, packed = page, b"/Filter /NobodyKnows "
        kids.append(f"{len(objects) + 1} 0 R")
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 %s >> >> /Contents %d 0 R >>"
            % (font, len(objects) + 2)
        )
        objects.append(b"<< %s/Length %d >>\nstream\n%s\nendstream" % (packed, len(stream), stream))
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>".encode()
    objects.append(b"<< >>" if title is None else f"<< /Title ({title}) >>".encode("cp1252"))
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets).encode()
    return (
        out
        + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (
            len(objects) + 1,
            table,
            len(objects) + 1,
            len(objects),
            len(out),
        )
    )


@pytest.fixture(scope="session")
def write_pdf() -> WritePdf:
    """``write_pdf(path, ["page one", None], title="…")``: the file, written."""

    def write(path: Path, pages: Sequence[str | bytes | None], title: str | None = None) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pdf_bytes(pages, title))
        return path

    return write
