"""From passages to answers: a chain of facts without an LLM, a reader with one, and retrieval between its thoughts."""
