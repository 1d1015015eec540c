"""``python -m eval tokens``: what each way of asking an LLM about passages costs, counted without asking one."""
