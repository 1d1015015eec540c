"""Tests of the REST server."""
