"""Read documents from files of many formats. Streaming: memory does not depend on the size of the corpus.

Each format is one file with a ``read``; `formats` is the table of them, `finding` says what a PATH means, `reading` joins
the two.
"""

from indexing.readers.options import ReadOptions
from indexing.readers.reading import OnBad, OnOther, read_beir, read_jsonl, read_path, read_paths

__all__ = ["OnBad", "OnOther", "ReadOptions", "read_beir", "read_jsonl", "read_path", "read_paths"]
