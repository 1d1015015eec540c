"""Tests of the engines, on a real Ray."""
