"""A server under load: what one client waits, what many get a second, and whether a killed server keeps its word."""
