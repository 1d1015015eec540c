"""The readings: an LLM is asked about the passages that are wanted, while the rest of the pipeline goes on."""
