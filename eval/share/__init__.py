"""``python -m eval share``: what an LLM's triples are worth when it reads only a share of the passages."""
