"""Runs that are killed, against an endpoint that misbehaves."""
