"""The open store: one namespace as arrays, mapped from files beside it and kept up by what changes."""
