"""Tests of the arrays of a namespace."""
