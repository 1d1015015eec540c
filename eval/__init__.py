"""The evaluation harness; run from a checkout as ``python -m eval``."""
