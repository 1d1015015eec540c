"""``python -m eval bench llm``: indexing with an LLM, against a server that answers after a set time."""
