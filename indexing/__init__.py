"""Offline indexing: passages in, graph out. Each file is one step; `pipeline` runs them in order."""
