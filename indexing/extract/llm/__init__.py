"""What an LLM is asked about passages, and how its answers are read: no calls, no clocks, no files but the prompts.

``Scheme`` says which passages go into one call, what the call says, and what its answer means; `Scheme.read` goes through
the calls that a group takes when answers are cut, unusable or refused as too long. Who makes the calls is the caller's.
"""

from indexing.extract.llm.answers import MAX_TRIPLES
from indexing.extract.llm.request import Request
from indexing.extract.llm.scheme import Scheme
from indexing.extract.llm.stored import dump_answer, load_answer

__all__ = ["MAX_TRIPLES", "Request", "Scheme", "dump_answer", "load_answer"]
